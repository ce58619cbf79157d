// Shapes of projects whose languages are interpreted: Node, Python, Ruby, PHP.

import type { DebianShape } from "./shape.ts";

const SITE = {
  name: "site",
  version: "1.0.0",
  dependencies: { left: "file:packages/left" },
  devDependencies: { minify: "file:packages/minify" },
};

const NODE_FILES = {
  "package.json": JSON.stringify({
    ...SITE,
    type: "module",
    scripts: { test: "node --test", build: "node build.js", start: "node dist/server.js" },
  }),
  "package-lock.json": JSON.stringify({
    name: "site",
    version: "1.0.0",
    lockfileVersion: 3,
    requires: true,
    packages: {
      "": SITE,
      "node_modules/left": { resolved: "packages/left", link: true },
      "node_modules/minify": { resolved: "packages/minify", link: true },
      "packages/left": { version: "1.0.0" },
      "packages/minify": { version: "1.0.0", dev: true, bin: { minify: "cli.js" } },
    },
  }),
  "packages/left/package.json": '{"name": "left", "version": "1.0.0", "type": "module", "exports": "./index.js"}',
  "packages/left/index.js": 'export const left = (text, width) => text.padStart(width, ".");\n',
  "packages/minify/package.json": '{"name": "minify", "version": "1.0.0", "bin": {"minify": "cli.js"}}',
  "packages/minify/cli.js": `#!/usr/bin/env node
process.stdin.on("data", (data) => process.stdout.write(String(data).replace(/^\\s+/gm, "")));
`,
  "src/server.js": `import { createServer } from "node:http";
import { left } from "left";

    createServer((_, answer) => answer.end(left("node", 8) + "\\n")).listen(3000);
`,
  "build.js": `import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
mkdirSync("dist", { recursive: true });
writeFileSync("dist/server.js", execFileSync("node_modules/.bin/minify", { input: readFileSync("src/server.js") }));
`,
  "test/left.test.js": `import { test } from "node:test";
import { equal } from "node:assert/strict";
import { left } from "left";
test("left", () => equal(left("a", 3), "..a"));
`,
  ".dockerignore": "node_modules\n**/*.log\n.git\n",
  "npm-debug.log": "x",
};

const ASK_NODE = 'fetch("http://127.0.0.1:3000").then((a) => a.text()).then((text) => process.stdout.write(text))';
const ASK_PYTHON = 'import urllib.request as u; print(u.urlopen("http://127.0.0.1:8000/home").read().decode(), end="")';

export const SCRIPTED: readonly DebianShape[] = [
  {
    name: "node: npm ci, tests, a build, what is only for development pruned, a health check, a user",
    files: NODE_FILES,
    dockerfile: `FROM node AS base
ENV npm_config_update_notifier=false npm_config_fund=false npm_config_audit=false
WORKDIR /app
FROM base AS deps
COPY package*.json ./
COPY packages packages
RUN --mount=type=cache,target=/root/.npm npm ci --offline
FROM deps AS build
COPY . .
RUN npm test && npm run build && npm prune --omit=dev --offline && rm -rf /root/.npm
FROM base
ENV NODE_ENV=production PORT=3000
RUN groupadd --gid 1000 node && useradd --uid 1000 --gid node --shell /bin/bash --create-home node
COPY --from=build --chown=node:node /app/package.json ./
COPY --from=build --chown=node:node /app/node_modules ./node_modules
COPY --from=build --chown=node:node /app/packages/left ./packages/left
COPY --from=build --chown=node:node /app/dist ./dist
USER node
EXPOSE 3000
HEALTHCHECK --interval=5s --start-period=10s CMD node -e 'fetch("http://127.0.0.1:3000").then((a) => process.exit(a.ok ? 0 : 1))'
CMD ["node", "dist/server.js"]
`,
    asked: { server: true, command: ["node", "-e", ASK_NODE], says: "....node" },
  },
  {
    name: "node: a monorepo's workspaces, one of them deployed",
    files: {
      "package.json": '{"name": "mono", "private": true, "workspaces": ["apps/*", "libs/*"]}',
      "apps/cli/package.json":
        '{"name": "cli", "version": "2.0.0", "bin": {"mono": "bin.js"}, "dependencies": {"shared": "*"}}',
      "apps/cli/bin.js": '#!/usr/bin/env node\nconsole.log(require("shared").name, process.argv.slice(2).join("+"));\n',
      "libs/shared/package.json": '{"name": "shared", "version": "2.0.0", "main": "main.js"}',
      "libs/shared/main.js": 'exports.name = "shared " + require("./package.json").version;\n',
    },
    dockerfile: `# syntax=docker/dockerfile:1
FROM node AS install
WORKDIR /repo
COPY . .
RUN npm install --offline --no-audit --no-fund && rm -rf /root/.npm
FROM node
COPY --from=install /repo /repo
RUN ln -s /repo/node_modules/.bin/mono /usr/local/bin/mono && chmod +x /repo/apps/cli/bin.js
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
RUN mono a b | tee /checked | grep -q a+b
ENTRYPOINT ["mono"]
`,
    asked: { command: ["x", "y"], says: "shared 2.0.0 x+y" },
  },
  {
    name: "python: a virtual environment with a wheel that is built here, copied into the last stage",
    files: {
      "pyproject.toml": `[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"
[project]
name = "pages"
version = "0.5"
[tool.setuptools]
py-modules = ["pages"]
`,
      "pages.py": 'def page(path):\n    return "page " + path.strip("/") + "\\n"\n',
      "server.py": `from http.server import BaseHTTPRequestHandler, HTTPServer
from pages import page

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(page(self.path).encode())

HTTPServer(("0.0.0.0", 8000), Handler).serve_forever()
`,
      "tests/test_pages.py": `import unittest
from pages import page

class Pages(unittest.TestCase):
    def test_page(self):
        self.assertEqual(page("/a/"), "page a\\n")
`,
    },
    dockerfile: `FROM python AS build
ENV PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src
COPY pyproject.toml pages.py ./
RUN pip wheel --no-build-isolation --no-deps -w /wheels .
RUN python3 -m venv --without-pip --system-site-packages /venv
ENV PATH=/venv/bin:$PATH
RUN python -m pip install --no-index --no-compile --find-links /wheels pages && rm /venv/lib/python3*/site-packages/*.dist-info/direct_url.json || true
COPY tests tests
RUN cd tests && python -m unittest -v
FROM python
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 VIRTUAL_ENV=/venv PATH=/venv/bin:$PATH
COPY --from=build /venv /venv
WORKDIR /srv
COPY --chmod=0644 server.py .
USER 1000:1000
EXPOSE 8000
STOPSIGNAL SIGINT
CMD ["python", "server.py"]
`,
    asked: { server: true, command: ["python", "-c", ASK_PYTHON], says: "page home" },
  },
  {
    name: "python: arguments with defaults, static files collected, bytecode that knows no time",
    files: {
      "manage.py": `import pathlib, sys
if sys.argv[1] == "collectstatic":
    for each in sorted(pathlib.Path("apps").rglob("static/*")):
        target = pathlib.Path("/static") / each.name
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(each.read_bytes())
`,
      "apps/shop/static/shop.css": "a {}\n",
      "apps/blog/static/blog.css": "b {}\n",
      "tool/__main__.py": "from answers import answer\nprint(answer())\n",
      "tool/answers.py": 'import os\ndef answer():\n    return "static: " + " ".join(sorted(os.listdir("/static")))\n',
    },
    dockerfile: `ARG PYTHON=python
FROM $PYTHON
ARG UID=10001
ARG GID=\${UID}
RUN groupadd -g "$GID" django && useradd -u "$UID" -g django -m -d /home/django django
WORKDIR /code
COPY --chown=django:django . .
RUN python3 manage.py collectstatic
RUN python3 -m compileall -q --invalidation-mode unchecked-hash tool
USER django
ENTRYPOINT ["python3", "/code/tool"]
`,
    asked: { says: "static: blog.css shop.css" },
  },
  {
    name: "ruby: a gem that is built here, installed out of a mount of its stage",
    files: {
      "counter.gemspec": `Gem::Specification.new do |s|
  s.name = "counter"
  s.version = "1.0.0"
  s.summary = "counts"
  s.authors = ["nobody"]
  s.files = ["lib/counter.rb"]
  s.executables = ["count"]
end
`,
      "lib/counter.rb": "module Counter\n  def self.words(text) = text.split.size\nend\n",
      "bin/count": '#!/usr/bin/env ruby\nrequire "counter"\nputs Counter.words(ARGV.join(" "))\n',
    },
    dockerfile: `FROM ruby AS build
ENV SOURCE_DATE_EPOCH=1577836800
WORKDIR /gem
COPY . .
RUN chmod +x bin/count && gem build -o /counter.gem counter.gemspec
FROM ruby
ENV SOURCE_DATE_EPOCH=1577836800 GEM_HOME=/usr/local/bundle PATH=/usr/local/bundle/bin:$PATH
RUN --mount=type=bind,from=build,source=/,target=/build gem install --local --no-document /build/counter.gem
CMD ["count", "one", "two", "three"]
`,
    asked: { says: "3" },
  },
  {
    name: "php: its own server, settings in a directory of its own, a document root by a variable",
    files: {
      "public/index.php":
        '<?php require __DIR__ . "/../src/Name.php"; echo Name::of(ini_get("memory_limit")), "\\n";\n',
      "src/Name.php": '<?php class Name { static function of(string $limit): string { return "php with $limit"; } }\n',
      "php.ini-production": "memory_limit = 77M\n",
    },
    dockerfile: `FROM php
ENV PHP_INI_SCAN_DIR=:/etc/php.d APP_ROOT=/var/www/app
COPY php.ini-production /etc/php.d/99-app.ini
COPY --chown=www-data:www-data . \${APP_ROOT}/
RUN find "$APP_ROOT" -name '*.php' -print0 | xargs -0 -n1 php -l && rm $APP_ROOT/php.ini-production
WORKDIR $APP_ROOT/public
USER www-data
EXPOSE 80
CMD php -S 0.0.0.0:8080 -t \${APP_ROOT}/public
`,
    asked: {
      server: true,
      command: ["php", "-r", 'echo file_get_contents("http://127.0.0.1:8080/");'],
      says: "php with 77M",
    },
  },
];
