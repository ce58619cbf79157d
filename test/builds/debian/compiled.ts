// Shapes of projects whose languages are compiled: C, Go, Rust, Java.

import type { DebianShape } from "./shape.ts";

export const COMPILED: readonly DebianShape[] = [
  {
    name: "c: make check, install into a staging directory, linked with a library of the base",
    files: {
      Makefile: `PREFIX ?= /usr/local
CFLAGS ?= -O2 -Wall -Werror
all: squeeze
squeeze: src/main.c src/size.c src/size.h config.h
	$(CC) $(CFLAGS) -I. -o $@ src/main.c src/size.c -lz
config.h:
	printf '#define VERSION "%s"\\n' "$(VERSION)" > $@
check: squeeze
	./squeeze aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa | grep "^$(VERSION): 32 to 11$$"
install: squeeze
	install -D -m 755 squeeze $(DESTDIR)$(PREFIX)/bin/squeeze
	install -D -m 644 src/size.h $(DESTDIR)$(PREFIX)/include/size.h
	ln -s squeeze $(DESTDIR)$(PREFIX)/bin/unsqueeze
`,
      "src/size.h": "unsigned long squeezed(const char *text);\n",
      "src/size.c": `#include <string.h>
#include <zlib.h>
#include "size.h"
unsigned long squeezed(const char *text) {
  unsigned char out[4096];
  unsigned long size = sizeof out;
  return compress(out, &size, (const unsigned char *)text, strlen(text)) == Z_OK ? size : 0;
}
`,
      "src/main.c": `#include <stdio.h>
#include <string.h>
#include "config.h"
#include "size.h"
int main(int argc, char **argv) {
  if (argc != 2) return 2;
  printf("%s: %zu to %lu\\n", VERSION, strlen(argv[1]), squeezed(argv[1]));
}
`,
      ".dockerignore": "*.o\nconfig.h\n",
      "config.h": '#define VERSION "stale"\n',
    },
    flags: ["--build-arg", "VERSION=1.4"],
    dockerfile: `ARG BASE=c
FROM \${BASE} AS build
ARG VERSION=dev
WORKDIR /src
COPY . .
RUN make -j2 VERSION=$VERSION && make check VERSION=$VERSION
RUN make install VERSION=$VERSION DESTDIR=/staging && strip /staging/usr/local/bin/squeeze
FROM debian
ARG VERSION
LABEL org.opencontainers.image.version=$VERSION
RUN useradd --system --uid 990 --no-create-home squeeze
COPY --from=build /staging/ /
USER squeeze
ENTRYPOINT ["squeeze"]
CMD ["--help"]
`,
    asked: { command: ["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"], says: "1.4: 32 to 11" },
  },
  {
    name: "c: cmake with a shared library and its names, ctest, a build directory in a cache mount",
    files: {
      "CMakeLists.txt": `cmake_minimum_required(VERSION 3.20)
project(gcd VERSION 2.1.0 LANGUAGES C)
include(GNUInstallDirs)
enable_testing()
add_library(gcd SHARED gcd.c)
set_target_properties(gcd PROPERTIES VERSION \${PROJECT_VERSION} SOVERSION 2 PUBLIC_HEADER gcd.h)
add_executable(gcd-cli main.c)
target_link_libraries(gcd-cli gcd)
add_test(NAME gcd COMMAND gcd-cli 84 36)
set_tests_properties(gcd PROPERTIES PASS_REGULAR_EXPRESSION "^12")
install(TARGETS gcd gcd-cli)
`,
      "gcd.h": "long gcd(long a, long b);\n",
      "gcd.c": '#include "gcd.h"\nlong gcd(long a, long b) { return b == 0 ? a : gcd(b, a % b); }\n',
      "main.c": `#include <stdio.h>
#include <stdlib.h>
#include "gcd.h"
int main(int argc, char **argv) { return argc == 3 ? printf("%ld\\n", gcd(atol(argv[1]), atol(argv[2]))) < 0 : 2; }
`,
    },
    dockerfile: `FROM c AS build
WORKDIR /src
COPY CMakeLists.txt *.c *.h ./
RUN --mount=type=cache,target=/build,sharing=locked \\
    cmake -S . -B /build -DCMAKE_BUILD_TYPE=Release -DCMAKE_INSTALL_PREFIX=/usr && \\
    cmake --build /build --parallel 2 && ctest --test-dir /build --output-on-failure && \\
    DESTDIR=/out cmake --install /build --strip
FROM debian
COPY --from=build /out/usr/ /usr/
RUN ldconfig
CMD ["gcd-cli", "1071", "462"]
`,
    asked: { says: "21" },
  },
  {
    name: "go: tests, vet, a version by the linker, caches in mounts, a static binary on scratch",
    files: {
      "go.mod": "module example.com/greet\n\ngo 1.22\n",
      "main.go": `package main

import (
	_ "embed"
	"fmt"
	"net/http"
	"os"

	"example.com/greet/internal/words"
)

//go:embed banner.txt
var banner string

var version = "dev"

func main() {
	if len(os.Args) > 1 && os.Args[1] == "health" {
		if answer, err := http.Get("http://127.0.0.1:8080/"); err != nil || answer.StatusCode != 200 {
			os.Exit(1)
		}
		fmt.Println("well,", version)
		return
	}
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, banner, words.Hello(version)) })
	panic(http.ListenAndServe(":8080", nil))
}
`,
      "banner.txt": "***\n",
      "internal/words/words.go": 'package words\n\nfunc Hello(who string) string { return "hello " + who }\n',
      "internal/words/words_test.go": `package words

import "testing"

func TestHello(t *testing.T) {
	if Hello("x") != "hello x" {
		t.Fatal("not polite")
	}
}
`,
    },
    flags: ["--build-arg", "VERSION=v3"],
    dockerfile: `FROM go AS build
ENV CGO_ENABLED=0 GOFLAGS=-trimpath
WORKDIR /src
COPY go.mod go.su[m] ./
RUN --mount=type=cache,target=/root/go/pkg/mod go mod download
COPY . .
ARG VERSION
RUN --mount=type=cache,target=/root/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \\
    go vet ./... && go test ./... && go build -ldflags="-s -w -X main.version=\${VERSION:-none}" -o /out/greet .
RUN echo 'nobody:x:65534:65534::/:' > /out/passwd
FROM scratch
COPY --from=build /out/passwd /etc/passwd
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /out/greet /greet
USER nobody
EXPOSE 8080/tcp
HEALTHCHECK --interval=5s --timeout=2s CMD ["/greet", "health"]
ENTRYPOINT ["/greet"]
`,
    asked: { server: true, command: ["/greet", "health"], says: "well, v3" },
  },
  {
    name: "go: vendored modules, several programs, one image for each by --target",
    files: {
      "go.mod": "module example.com/tools\n\ngo 1.22\n\nrequire example.com/sum v1.0.0\n",
      "vendor/modules.txt": "# example.com/sum v1.0.0\n## explicit; go 1.22\nexample.com/sum\n",
      "vendor/example.com/sum/sum.go":
        "package sum\n\nfunc Of(all ...int) (total int) {\n\tfor _, one := range all {\n\t\ttotal += one\n\t}\n\treturn\n}\n",
      "cmd/one/main.go":
        'package main\n\nimport (\n\t"fmt"\n\n\t"example.com/sum"\n)\n\nfunc main() { fmt.Println("one", sum.Of(1, 2)) }\n',
      "cmd/two/main.go":
        'package main\n\nimport (\n\t"fmt"\n\n\t"example.com/sum"\n)\n\nfunc main() { fmt.Println("two", sum.Of(3, 4)) }\n',
    },
    flags: ["--target", "two"],
    dockerfile: `FROM go AS build
WORKDIR /src
COPY . .
RUN CGO_ENABLED=0 go build -mod=vendor -trimpath -o /bin/ ./cmd/...
FROM debian AS one
COPY --from=build /bin/one /usr/local/bin/
CMD ["one"]
FROM debian AS two
COPY --from=build --chmod=755 --chown=root:staff /bin/two /usr/local/bin/
CMD ["two"]
FROM build AS last
RUN false
`,
    asked: { says: "two 7" },
  },
  {
    name: "rust: a workspace, dependencies built with a stub first, tests, the binary on a slim base",
    files: {
      "Cargo.toml": '[workspace]\nmembers = ["app", "area"]\nresolver = "2"\n[profile.release]\nstrip = true\n',
      "app/Cargo.toml":
        '[package]\nname = "app"\nversion = "0.3.0"\nedition = "2021"\n[dependencies]\narea = { path = "../area" }\n',
      "app/src/main.rs": `fn main() {
    let sides: Vec<u64> = std::env::args().skip(1).map(|side| side.parse().expect("a number")).collect();
    println!("{} {}", env!("CARGO_PKG_VERSION"), area::of(sides[0], sides[1]));
}
`,
      "area/Cargo.toml": '[package]\nname = "area"\nversion = "0.1.0"\nedition = "2021"\n',
      "area/src/lib.rs": `pub fn of(a: u64, b: u64) -> u64 { a * b }
#[cfg(test)]
mod tests {
    #[test]
    fn is_a_product() { assert_eq!(super::of(6, 7), 42); }
}
`,
    },
    dockerfile: `FROM rust AS build
WORKDIR /work
COPY Cargo.toml ./
COPY area area
COPY app/Cargo.toml app/
RUN mkdir app/src && echo 'fn main() {}' > app/src/main.rs && cargo build --offline --release && rm -r app/src
COPY app/src app/src
RUN touch app/src/main.rs && cargo test --offline --release -q && cargo build --offline --release
FROM debian
RUN groupadd -r app && useradd -r -g app -d /nonexistent app
COPY --from=build --chown=app:app /work/target/release/app /usr/local/bin/app
USER app:app
ENV RUST_BACKTRACE=1
ENTRYPOINT ["app"]
CMD ["1", "1"]
`,
    asked: { command: ["6", "7"], says: "0.3.0 42" },
  },
  {
    name: "java: javac, a test, a jar, and a runtime of only its modules by jlink",
    files: {
      "src/module-info.java": "module hello { requires java.net.http; exports hello; }\n",
      "src/hello/Main.java": `package hello;
public class Main {
  static String greet(String who) { return "hello " + who; }
  public static void main(String[] args) {
    System.out.println(greet(args[0]) + " of module " + Main.class.getModule().getName());
  }
}
`,
      "test/hello/MainTest.java": `package hello;
public class MainTest {
  public static void main(String[] args) {
    if (!Main.greet("x").equals("hello x")) throw new AssertionError();
  }
}
`,
    },
    dockerfile: `FROM java AS build
WORKDIR /src
COPY src src
RUN javac -d /classes $(find src -name '*.java')
COPY test test
RUN javac -d /tests -cp /classes $(find test -name '*.java') && java -cp /classes:/tests hello.MainTest
RUN mkdir /out && jar --create --date=2020-01-01T00:00:00Z --file /out/hello.jar --main-class hello.Main -C /classes .
RUN jlink --add-modules java.base,java.net.http --no-header-files --no-man-pages --strip-java-debug-attributes --output /jre
FROM debian
ENV JAVA_HOME=/opt/java PATH=/opt/java/bin:$PATH
COPY --from=build /jre $JAVA_HOME
COPY --from=build /out/*.jar /app/
WORKDIR /app
ENTRYPOINT ["java", "-XX:TieredStopAtLevel=1", "-p", "hello.jar", "-m", "hello"]
`,
    asked: { command: ["dock"], says: "hello dock of module hello" },
  },
  {
    name: "java: a jar's layers taken apart, each copied by itself, options in a variable",
    files: {
      "lib/Shelf.java": "package lib; public class Shelf { public static int books() { return 12; } }\n",
      "app/Main.java": `package app;
public class Main {
  public static void main(String[] args) { System.out.println(System.getProperty("who") + " has " + lib.Shelf.books()); }
}
`,
      "app.properties": "a=b\n",
    },
    dockerfile: `FROM java AS build
WORKDIR /b
COPY lib lib
RUN javac -d out/dependencies lib/*.java
COPY app app
COPY app.properties out/application/
RUN javac -cp out/dependencies -d out/application app/*.java && \\
    jar -c -f all.jar --date=2020-01-01T00:00:00Z -C out . && mkdir x && cd x && jar -xf ../all.jar && rm -r META-INF
FROM java
WORKDIR /app
COPY --from=build /b/x/dependencies/ ./
COPY --from=build /b/x/application/ ./
ENV JAVA_OPTS="-Dwho=nobody"
ENTRYPOINT exec java $JAVA_OPTS -cp . app.Main
`,
    asked: { flags: ["-e", "JAVA_OPTS=-Dwho=reader -Xshare:auto"], says: "reader has 12" },
  },
];
