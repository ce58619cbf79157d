// Dockerfiles in the shapes of well-known projects', for a base that can be made here: busybox with stand-ins for the
// tools of their trades (toolbox.ts), which leave the kinds of files that the real ones leave.

export interface Shape {
  readonly name: string;
  readonly dockerfile: string;
  readonly files?: Readonly<Record<string, string>>;
  readonly flags?: readonly string[];
  /** Always built; the others where all are asked for. */
  readonly quick?: true;
  /** Debian 12's buildah does not know it: only our own clients are compared. */
  readonly newer?: true;
}

const NODE = {
  "package.json": '{"dependencies": {"express": "4", "left-pad": "1"}}',
  "package-lock.json": "{}",
  "src/index.js": "serve()\n",
};
const GO = {
  "go.mod": "module x\n",
  "go.sum": "h1\n",
  "main.go": "package main\n",
  "internal/a.go": "package internal\n",
};
const PYTHON = { "requirements.txt": "flask\ngunicorn\n", "app/__init__.py": "", "app/main.py": "run()\n" };

export const SHAPES: readonly Shape[] = [
  {
    name: "node: dependencies first, then sources, a user of its own",
    quick: true,
    files: { ...NODE, ".dockerignore": "node_modules\n*.log\n", "debug.log": "x", "node_modules/old/index.js": "old" },
    dockerfile: `FROM toolbox AS deps
WORKDIR /app
COPY package*.json ./
RUN npm ci
FROM toolbox
ENV NODE_ENV=production PORT=3000
WORKDIR /app
RUN addgroup -S -g 999 node && adduser -S -D -H -u 999 -G node node
COPY --from=deps --chown=node:node /app/node_modules ./node_modules
COPY --chown=999:999 . .
USER node
EXPOSE 3000
HEALTHCHECK --interval=30s --timeout=3s --retries=4 CMD wget -q -O- http://localhost:3000/ || exit 1
CMD ["node", "src/index.js"]
`,
  },
  {
    name: "next.js: three stages, a standalone output",
    files: { ...NODE, "public/logo.svg": "<svg/>", "next.config.js": "x" },
    dockerfile: `FROM toolbox AS base
FROM base AS deps
WORKDIR /app
COPY package.json package-lock.json* yarn.lock* ./
RUN npm ci
FROM base AS builder
WORKDIR /app
COPY --from=deps /app/node_modules ./node_modules
COPY . .
ENV NEXT_TELEMETRY_DISABLED=1
RUN npm run build
FROM base AS runner
WORKDIR /app
ENV NODE_ENV=production
COPY --from=builder /app/public ./public
COPY --from=builder /app/dist ./.next/static
EXPOSE 3000
ENV HOSTNAME="0.0.0.0"
CMD ["node", "server.js"]
`,
  },
  {
    name: "go: a static binary on scratch",
    quick: true,
    files: GO,
    dockerfile: `FROM toolbox AS build
ARG TARGETOS=linux
ARG TARGETARCH=amd64
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH go build -o /out/app .
FROM scratch
COPY --from=build /etc/passwd /etc/group /etc/
COPY --from=build /out/app /app
USER 65534:65534
ENTRYPOINT ["/app"]
CMD ["--help"]
`,
  },
  {
    name: "go: with cache mounts",
    files: GO,
    dockerfile: `FROM toolbox AS build
WORKDIR /src
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=bind,source=go.mod,target=/src/go.mod go mod download
COPY . .
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache go build -o /app .
FROM toolbox
COPY --from=build /app /usr/bin/app
ENTRYPOINT ["app"]
`,
  },
  {
    name: "python: pip without a cache, gunicorn",
    files: PYTHON,
    dockerfile: `FROM toolbox
ENV PYTHONDONTWRITEBYTECODE=1 \\
    PYTHONUNBUFFERED=1
WORKDIR /app
RUN apt-get update && apt-get install -y --no-install-recommends gcc libpq-dev \\
    && rm -rf /var/lib/apt/lists/*
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
COPY . .
RUN adduser -D -u 1000 app && chown -R app:app /app
USER app
EXPOSE 8000
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "app.main:app"]
`,
  },
  {
    name: "python: a virtual environment that is copied",
    files: PYTHON,
    dockerfile: `FROM toolbox AS builder
ENV VIRTUAL_ENV=/opt/venv
ENV PATH="$VIRTUAL_ENV/bin:$PATH"
RUN mkdir -p $VIRTUAL_ENV/bin && ln -s /usr/local/bin/python $VIRTUAL_ENV/bin/python
COPY requirements.txt /tmp/
RUN pip install -r /tmp/requirements.txt --target $VIRTUAL_ENV/lib
FROM toolbox
COPY --from=builder /opt/venv /opt/venv
ENV PATH="/opt/venv/bin:$PATH"
COPY app /srv/app
WORKDIR /srv
STOPSIGNAL SIGINT
CMD python -m app
`,
  },
  {
    name: "django: arguments with defaults, static files collected",
    files: { ...PYTHON, "manage.py": "x", "static/a.css": "a{}" },
    flags: ["--build-arg", "DJANGO_ENV=staging"],
    dockerfile: `ARG BASE=toolbox
FROM \${BASE}
ARG DJANGO_ENV=production
ARG UID=1000 GID=1000
ENV DJANGO_ENV=\${DJANGO_ENV} STATIC_ROOT=/srv/static
LABEL maintainer="someone@example.com" \\
      env="\${DJANGO_ENV}"
RUN addgroup -g "\${GID}" web && adduser -D -u "\${UID}" -G web web && mkdir -p "$STATIC_ROOT" && chown web:web "$STATIC_ROOT"
WORKDIR /code
COPY --chown=web:web . /code/
RUN cp -r static/. $STATIC_ROOT && chmod -R a-w $STATIC_ROOT
VOLUME ["/srv/media"]
USER web
ENTRYPOINT ["./manage.py"]
CMD ["runserver"]
`,
  },
  {
    name: "nginx: signals, logs as links, an entry script",
    quick: true,
    files: {
      "docker-entrypoint.sh": '#!/bin/sh\nexec "$@"\n',
      "30-tune.sh": "#!/bin/sh\n",
      "nginx.conf": "events {}\n",
    },
    dockerfile: `FROM toolbox
LABEL maintainer="NGINX <docker-maint@example.com>"
ENV NGINX_VERSION=1.27.0 PKG_RELEASE=1
RUN set -x \\
    && addgroup -g 101 -S nginx \\
    && adduser -S -D -H -u 101 -h /var/cache/nginx -s /sbin/nologin -G nginx nginx \\
    && apt-get install -y nginx=$NGINX_VERSION-$PKG_RELEASE \\
    && mkdir -p /var/log/nginx \\
    && ln -sf /dev/stdout /var/log/nginx/access.log \\
    && ln -sf /dev/stderr /var/log/nginx/error.log \\
    && mkdir /docker-entrypoint.d
COPY docker-entrypoint.sh /
COPY 30-tune.sh /docker-entrypoint.d/
COPY nginx.conf /etc/nginx/nginx.conf
ENTRYPOINT ["/docker-entrypoint.sh"]
EXPOSE 80
STOPSIGNAL SIGQUIT
CMD ["nginx", "-g", "daemon off;"]
`,
  },
  {
    name: "postgres: volumes, sticky directories, a locale",
    quick: true,
    files: { "docker-entrypoint.sh": '#!/bin/sh\nexec "$@"\n', "initdb.d/1.sql": "select 1;\n" },
    dockerfile: `FROM toolbox
RUN set -eux; addgroup -S -g 998 postgres; adduser -S -D -u 998 -G postgres -h /var/lib/postgresql -s /bin/sh postgres; \\
    mkdir -p /var/lib/postgresql; chown -R postgres:postgres /var/lib/postgresql
ENV LANG=en_US.utf8
ENV PG_MAJOR 16
ENV PATH=$PATH:/usr/lib/postgresql/$PG_MAJOR/bin
RUN mkdir -p /var/run/postgresql && chown -R postgres:postgres /var/run/postgresql && chmod 3777 /var/run/postgresql
ENV PGDATA=/var/lib/postgresql/data
RUN mkdir -p "$PGDATA" && chown -R postgres:postgres "$PGDATA" && chmod 1777 "$PGDATA"
VOLUME /var/lib/postgresql/data
COPY docker-entrypoint.sh /usr/local/bin/
RUN chmod 755 /usr/local/bin/docker-entrypoint.sh && ln -s usr/local/bin/docker-entrypoint.sh /
COPY initdb.d /docker-entrypoint-initdb.d
ENTRYPOINT ["docker-entrypoint.sh"]
STOPSIGNAL SIGINT
EXPOSE 5432
CMD ["postgres"]
`,
  },
  {
    name: "redis: a directory of data, a command without a shell",
    dockerfile: `FROM toolbox
RUN addgroup -S -g 1000 redis && adduser -S -D -G redis -u 999 redis
RUN apt-get update; apt-get install -y redis; mkdir /data && chown redis:redis /data
VOLUME /data
WORKDIR /data
EXPOSE 6379
CMD ["redis-server"]
`,
  },
  {
    name: "mysql: several ports and volumes, a health check in a shell",
    dockerfile: `FROM toolbox
ENV MYSQL_MAJOR=8.4 GOSU_VERSION=1.17
RUN mkdir -p /var/lib/mysql /var/run/mysqld && chown 999:999 /var/lib/mysql && chmod 1777 /var/run/mysqld
VOLUME /var/lib/mysql
EXPOSE 3306 33060
HEALTHCHECK --start-period=1m CMD test -S /var/run/mysqld/mysqld.sock
CMD ["mysqld"]
`,
  },
  {
    name: "java: maven, then a runtime",
    files: { "pom.xml": "<project/>", "src/main/java/A.java": "class A {}\n" },
    dockerfile: `FROM toolbox AS build
WORKDIR /workspace
COPY pom.xml .
RUN mvn -B dependency:go-offline
COPY src src
RUN mvn -B package -DskipTests
FROM toolbox
ARG JAR=/workspace/target/app.jar
COPY --from=build \${JAR} /app.jar
ENV JAVA_OPTS=""
ENTRYPOINT exec java $JAVA_OPTS -jar /app.jar
`,
  },
  {
    name: "spring: layers of a jar, each copied by itself",
    files: { "pom.xml": "<project/>", "src/A.java": "class A {}\n" },
    dockerfile: `FROM toolbox AS builder
WORKDIR /builder
COPY . .
RUN mvn package && mkdir -p x/dependencies x/loader x/application && cp target/app.jar x/application/ && touch x/loader/l x/dependencies/d
FROM toolbox
WORKDIR /application
COPY --from=builder /builder/x/dependencies/ ./
COPY --from=builder /builder/x/loader/ ./
COPY --from=builder /builder/x/application/ ./
ENTRYPOINT ["java", "-jar", "app.jar"]
`,
  },
  {
    name: "rust: dependencies built with a stub, then the program",
    files: { "Cargo.toml": "[package]\n", "Cargo.lock": "x\n", "src/main.rs": 'fn main() { println!("hi") }\n' },
    dockerfile: `FROM toolbox AS build
WORKDIR /usr/src/app
COPY Cargo.toml Cargo.lock ./
RUN mkdir src && echo 'fn main() {}' > src/main.rs && cargo build --release && rm -r src
COPY src ./src
RUN touch src/main.rs && cargo build --release
FROM toolbox
COPY --from=build /usr/src/app/target/release/app /usr/local/bin/app
CMD ["app"]
`,
  },
  {
    name: "c: make and install into a staging directory",
    files: {
      Makefile: "all:\n",
      configure: "#!/bin/sh\necho CC=cc > config.mk\n",
      "lib/a.c": "int a;\n",
      "main.c": "int main;\n",
    },
    dockerfile: `FROM toolbox AS build
COPY . /src
WORKDIR /src
RUN sh ./configure && make DESTDIR=/stage install && chmod u+s /stage/usr/bin/tool && ln /stage/usr/bin/tool /stage/usr/bin/tool2
FROM toolbox
COPY --from=build /stage/ /
RUN test -u /usr/bin/tool
`,
  },
  {
    name: "ruby: bundler, assets, a server's pid directory",
    files: { Gemfile: "rails\n", "Gemfile.lock": "x\n", "config.ru": "run\n", "app/a.rb": "1\n" },
    dockerfile: `FROM toolbox AS base
WORKDIR /rails
ENV RAILS_ENV="production" BUNDLE_PATH="/usr/local/bundle"
FROM base AS build
COPY Gemfile Gemfile.lock ./
RUN bundle install && rm -rf ~/.bundle/ "\${BUNDLE_PATH}"/ruby/*/cache
COPY . .
FROM base
COPY --from=build "\${BUNDLE_PATH}" "\${BUNDLE_PATH}"
COPY --from=build /rails /rails
RUN addgroup -S -g 1000 rails && adduser -D -u 1000 -G rails rails && mkdir -p log tmp/pids && chown -R rails:rails log tmp
USER 1000:1000
EXPOSE 3000
CMD ["./bin/rails", "server"]
`,
  },
  {
    name: "php: an extension, a document root by a variable",
    files: { "index.php": "<?php\n", "composer.json": "{}", "conf/site.conf": "DocumentRoot\n" },
    dockerfile: `FROM toolbox
ENV APACHE_DOCUMENT_ROOT=/var/www/html/public
RUN composer install --no-dev && mkdir -p \${APACHE_DOCUMENT_ROOT} /etc/apache2/sites
COPY conf/*.conf /etc/apache2/sites/
COPY index.php \${APACHE_DOCUMENT_ROOT}/
RUN chown -R 33:33 /var/www && find /var/www -type d -exec chmod 2775 {} +
WORKDIR \${APACHE_DOCUMENT_ROOT}
EXPOSE 80/tcp 443/tcp 443/udp
CMD ["apache2-foreground"]
`,
  },
  {
    name: "dotnet: restore, publish, a runtime",
    files: { "App.csproj": "<Project/>", "Program.cs": "x\n" },
    dockerfile: `FROM toolbox AS build
ARG BUILD_CONFIGURATION=Release
WORKDIR /src
COPY ["App.csproj", "./"]
RUN dotnet restore "App.csproj"
COPY . .
RUN dotnet publish "App.csproj" -c $BUILD_CONFIGURATION -o /app/publish
FROM toolbox AS final
WORKDIR /app
COPY --from=build /app/publish .
ENTRYPOINT ["dotnet", "App.dll"]
`,
  },
  {
    name: "an entrypoint that an image's user extends (ONBUILD)",
    // To look into it buildah would carry the triggers out.
    newer: true,
    dockerfile: `FROM toolbox AS onbuild
ONBUILD COPY . /usr/src/app
ONBUILD RUN ls /usr/src/app > /listing
ONBUILD ENV BUILT=yes
WORKDIR /usr/src/app
CMD ["npm", "start"]
`,
  },
  {
    name: "another shell, a command in words",
    dockerfile: `FROM toolbox
SHELL ["/bin/sh", "-e", "-u", "-c"]
ARG WHO=world
RUN x=1; echo "$x $WHO" > /said
ENV GREETING="hello $WHO" EMPTY= QUOTED='a "b" $c' ESCAPED=a\\ b
RUN echo "$GREETING" >> /said
CMD ["echo", "$GREETING"]
ENTRYPOINT ["/bin/sh", "-c"]
`,
  },
  {
    name: "expansion of every kind",
    flags: ["--build-arg", "SET=value"],
    dockerfile: `FROM toolbox
ARG SET
ARG UNSET
ENV A=\${SET:-default} B=\${UNSET:-default} C=\${SET:+other} D=\${UNSET:+other} E=\\$SET F=$SET/x
LABEL "a b"="c d" e=$A f='$A' \\
  g="\${B}"
WORKDIR /w/$SET
WORKDIR relative
COPY Dockerfile $A/
USER \${UNSET:-root}
`,
  },
  {
    name: "copies: patterns, directories, renamed files, JSON words",
    files: { "a.txt": "a", "b.txt": "b", "c.md": "c", "d/e/f.txt": "f", "d/g.sh": "g", "with space.txt": "s" },
    dockerfile: `FROM toolbox
COPY *.txt /txt/
COPY d /d
COPY d/e/ /e/
COPY c.md /renamed
COPY ["with space.txt", "/spaces here/"]
COPY a.txt b.txt c.md /several/
ADD d/g.sh /g
`,
  },
  {
    name: "owners and modes of copies",
    quick: true,
    files: { "run.sh": "x", "conf/a": "a", "conf/sub/b": "b" },
    dockerfile: `FROM toolbox
RUN adduser -D -u 1234 worker
COPY --chown=worker run.sh /by-name
COPY --chown=worker:daemon conf /by-group
COPY --chown=55:66 --chmod=640 run.sh /by-number
COPY --chmod=0755 run.sh /usr/local/bin/run
ADD --chown=7 conf/ /seven/
`,
  },
  {
    name: "links: followed at the source, kept below, directories through links",
    files: { "real/file": "x" },
    dockerfile: `FROM toolbox
RUN mkdir -p /opt/v1 /data && ln -s v1 /opt/current && ln -s /data /alias && ln -s nowhere /dangling && echo t > /opt/v1/target && ln -s target /opt/v1/soft && ln /opt/v1/target /opt/v1/hard
COPY real/file /opt/current/
COPY real /alias/
FROM toolbox
COPY --from=0 /opt /opt
COPY --from=0 /data /data
`,
  },
  {
    name: "removals: files, directories, a directory made anew",
    quick: true,
    dockerfile: `FROM toolbox
RUN mkdir -p /a/b/c /x/y && touch /a/b/c/1 /a/2 /x/y/3 && echo old > /f
RUN rm -r /a/b && rm /f && mkdir /f && touch /f/inside && rm -r /x && echo file > /x
RUN rm -r /a && mkdir -m 700 /a && touch /a/new
`,
  },
  {
    name: "special files: pipes, modes of every kind, sparse, long names",
    dockerfile: `FROM toolbox
RUN mkdir /s && cd /s && mkfifo -m 640 pipe && touch suid sgid && chmod 4755 suid && chmod 2755 sgid && mkdir -m 1777 sticky && mkdir -m 0 closed && truncate -s 1000000 sparse && touch "$(printf 'n%.0s' $(seq 200))" && touch 'a b' 'q"uote' "é"
`,
  },
  {
    name: "metadata alone",
    dockerfile: `FROM toolbox
MAINTAINER Some One <one@example.com>
LABEL org.opencontainers.image.title="t" \\
      org.opencontainers.image.version=1.2
EXPOSE 1 2/udp 3
VOLUME /v1 /v2
VOLUME ["/v3 with space"]
USER 12:34
STOPSIGNAL 9
HEALTHCHECK NONE
`,
  },
  {
    name: "a stage that is not needed, one by its number",
    files: { f: "x" },
    dockerfile: `FROM toolbox AS broken
RUN exit 1
FROM toolbox
COPY f /f1
FROM toolbox
COPY --from=1 /f1 /f2
`,
  },
  {
    name: "a target before the last",
    flags: ["--target", "test"],
    dockerfile: `FROM toolbox AS build
RUN echo built > /b
FROM build AS test
RUN grep built /b > /tested
CMD ["test"]
FROM build
RUN echo release > /r
`,
  },
  {
    name: "a bind mount of another stage, memory as a directory",
    dockerfile: `FROM toolbox AS data
RUN mkdir /d && echo from data > /d/f
FROM toolbox
RUN --mount=type=bind,from=data,source=/d,target=/mnt cp /mnt/f /copied
RUN --mount=type=tmpfs,target=/scratch echo x > /scratch/y && cp /scratch/y /kept
`,
  },
  {
    name: "here-documents as scripts and files",
    newer: true,
    quick: true,
    dockerfile: `FROM toolbox
ARG NAME=world
RUN <<EOF
set -e
mkdir -p /etc/app
echo "hello $NAME" > /etc/app/greeting
EOF
COPY <<-one.conf <<"two.conf" /etc/app/
	name=$NAME
one.conf
literal=$NAME
two.conf
COPY --chmod=755 <<EOF /entry.sh
#!/bin/sh
exec "\\$@"
EOF
`,
  },
  {
    name: "copies that do not depend on what is below, with parents and without some",
    newer: true,
    quick: true,
    files: { "a/b/c.txt": "c", "a/d.md": "d", "x/y.txt": "y", "x/skip/z.txt": "z" },
    dockerfile: `FROM toolbox
COPY --link a/b/c.txt /linked/
COPY --parents a/*/c.txt /parents/
COPY --parents ./x/./y.txt /pivot/
COPY --exclude=skip --exclude=*.md x a /some/
COPY --link --chown=5:6 --chmod=u=rw,go= a/d.md /d
`,
  },
  {
    name: "an archive that is not unpacked by COPY",
    files: { "plain.txt": "x" },
    dockerfile: `FROM toolbox AS pack
COPY plain.txt /p/plain.txt
RUN cd /p && chown 3:4 plain.txt && ln -s plain.txt link && tar -cf /archive.tar . && gzip -n -c /archive.tar > /archive.tgz
FROM toolbox
COPY --from=pack /archive.tgz /archives/
RUN mkdir /out && tar -xzf /archives/archive.tgz -C /out && rm -r /archives
`,
  },
];
