// The base of the shapes: busybox and stand-ins for package managers and compilers. Each does little, always the same, and
// leaves files where the real one does.

const SCRIPTS: Readonly<Record<string, string>> = {
  "apt-get": `for word; do case $word in
  update) mkdir -p /var/lib/apt/lists && echo lists > /var/lib/apt/lists/main ;;
  install|-*) ;;
  *) mkdir -p /var/lib/dpkg /usr/lib/\${word%%=*} && echo "$word" >> /var/lib/dpkg/status && touch /usr/lib/\${word%%=*}/lib.so ;;
esac; done`,
  addgroup: `gid=100
while [ $# -gt 1 ]; do case $1 in -g) gid=$2; shift ;; esac; shift; done
echo "$1:x:$gid:" >> /etc/group`,
  adduser: `uid=100 gid= home= shell=/bin/sh make=yes
while [ $# -gt 1 ]; do case $1 in
  -u) uid=$2; shift ;; -G) gid=$(grep "^$2:" /etc/group | cut -d: -f3); shift ;; -h) home=$2; shift ;; -s) shell=$2; shift ;; -H) make=no ;;
esac; shift; done
[ -n "$gid" ] || { gid=$uid; echo "$1:x:$gid:" >> /etc/group; }
[ -n "$home" ] || home=/home/$1
echo "$1:x:$uid:$gid::$home:$shell" >> /etc/passwd
[ $make = no ] || { mkdir -p $home && chown $uid:$gid $home && chmod 2755 $home; }`,
  npm: `case $1 in
ci|install) mkdir -p /root/.npm; for d in express left-pad; do mkdir -p node_modules/$d && echo "$d" > node_modules/$d/index.js; done
  mkdir -p node_modules/.bin && ln -sf ../express/index.js node_modules/.bin/express ;;
run) mkdir -p dist && cat package.json > dist/bundle.js ;;
esac`,
  go: `case $1 in
mod) mkdir -p /go/pkg/mod/x && echo m > /go/pkg/mod/x/m.go && chmod -R a-w /go/pkg/mod/x ;;
build) mkdir -p "$(dirname "$3")" && cat *.go > "$3" && chmod 755 "$3" ;;
esac`,
  pip: `dir=/usr/lib/python3/site-packages
while [ $# -gt 0 ]; do case $1 in -r) list=$2 ;; --target) dir=$2 ;; esac; shift; done
for p in $(cat "$list"); do mkdir -p "$dir/$p" && echo "$p" > "$dir/$p/__init__.py"; done`,
  python: "echo python",
  mvn: `mkdir -p /root/.m2/repository
for word; do [ "$word" != package ] || { mkdir -p target && find src -name '*.java' | sort | xargs cat > target/app.jar; }; done`,
  cargo: "mkdir -p target/release && cat src/main.rs > target/release/app && chmod 755 target/release/app",
  bundle:
    "mkdir -p $BUNDLE_PATH/ruby/3/gems $BUNDLE_PATH/ruby/3/cache ~/.bundle && cp Gemfile $BUNDLE_PATH/ruby/3/gems/ && touch $BUNDLE_PATH/ruby/3/cache/x",
  composer: "mkdir -p vendor && echo autoload > vendor/autoload.php",
  dotnet:
    'case $1 in restore) mkdir -p obj && touch obj/project.assets.json ;; publish) mkdir -p "$6" && cat *.cs > "$6/App.dll" ;; esac',
  make: `for word; do case $word in DESTDIR=*) dest=\${word#*=} ;; esac; done
mkdir -p $dest/usr/bin $dest/usr/lib && cat main.c > $dest/usr/bin/tool && chmod 755 $dest/usr/bin/tool && cat lib/a.c > $dest/usr/lib/liba.so.1 && ln -s liba.so.1 $dest/usr/lib/liba.so`,
};

/** Files of the base's own build. */
export function toolboxContext(): Record<string, string> {
  const scripts = Object.entries(SCRIPTS).map(
    ([name, text]) => [`bin/${name}`, `#!/bin/sh\nset -e\n${text}\n`] as const,
  );
  const Dockerfile = `FROM busybox
RUN mkdir -p /etc /root /home /var /run /var/run && chmod 700 /root && \\
  echo root:x:0:0:root:/root:/bin/sh > /etc/passwd && echo daemon:x:1:1::/:/bin/false >> /etc/passwd && \\
  echo root:x:0: > /etc/group && echo daemon:x:1: >> /etc/group && echo root::1:::::: > /etc/shadow
COPY --chmod=755 bin /usr/local/bin
ENV PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin
`;
  return { Dockerfile, ...Object.fromEntries(scripts) };
}
