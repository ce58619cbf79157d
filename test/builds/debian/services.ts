// Shapes of services whose images install Debian's packages themselves, as the official images do: nginx, PostgreSQL,
// Redis. So apt and dpkg, with what the packages' own scripts do, are compared too.

import type { DebianShape } from "./shape.ts";

export const SERVICES: readonly DebianShape[] = [
  {
    name: "nginx: apt in the build, logs as links, an entry script that fills in a template",
    debs: "nginx",
    files: {
      "docker-entrypoint.sh": `#!/bin/sh
set -e
for each in /docker-entrypoint.d/*.sh; do [ ! -x "$each" ] || "$each"; done
exec "$@"
`,
      "20-template.sh": `#!/bin/sh
sed "s/@PORT@/$NGINX_PORT/" /etc/nginx/templates/default.conf > /etc/nginx/conf.d/default.conf
`,
      "default.conf": `server {
  listen @PORT@;
  location / { default_type text/plain; return 200 "served by $host\\n"; }
}
`,
    },
    dockerfile: `FROM debian
LABEL maintainer="nobody <nobody@example.com>"
ENV NGINX_PORT=80
ARG DEBIAN_FRONTEND=noninteractive
RUN --mount=type=bind,source=debs,target=/debs set -x \\
    && groupadd --system --gid 101 nginx \\
    && useradd --system --gid nginx --no-create-home --home /nonexistent --comment "nginx user" --shell /bin/false --uid 101 nginx \\
    && apt-get install --no-install-recommends -y /debs/*.deb \\
    && rm -rf /var/lib/apt/lists/* /etc/nginx/sites-enabled/default \\
    && ln -sf /dev/stdout /var/log/nginx/access.log \\
    && ln -sf /dev/stderr /var/log/nginx/error.log \\
    && mkdir /docker-entrypoint.d
COPY --chmod=755 docker-entrypoint.sh /
COPY --chmod=755 20-template.sh /docker-entrypoint.d/
COPY default.conf /etc/nginx/templates/
ENTRYPOINT ["/docker-entrypoint.sh"]
EXPOSE 80
STOPSIGNAL SIGQUIT
CMD ["nginx", "-g", "daemon off;"]
`,
    asked: {
      server: true,
      flags: ["-e", "NGINX_PORT=8081"],
      command: ["curl", "-s", "http://127.0.0.1:8081/"],
      says: "served by 127.0.0.1",
    },
  },
  {
    name: "postgres: apt in the build, a user of its own, a volume, a cluster made by the entry script",
    debs: "postgres",
    files: {
      "docker-entrypoint.sh": `#!/usr/bin/env bash
set -Eeo pipefail
if [ "$1" = postgres ] && [ "$(id -u)" = 0 ]; then
  mkdir -p "$PGDATA" && chown postgres "$PGDATA" && chmod 700 "$PGDATA"
  exec setpriv --reuid=postgres --regid=postgres --init-groups "$BASH_SOURCE" "$@"
fi
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  initdb --username=postgres --auth=trust --no-sync
  for each in /docker-entrypoint-initdb.d/*.sql; do
    postgres --single -j -D "$PGDATA" postgres < "$each"
  done
fi
exec "$@"
`,
      "init/1.sql": "create table boats (name text);\n\ninsert into boats values ('hoy'), ('dory');\n",
    },
    dockerfile: `FROM debian
RUN set -eux; groupadd -r postgres --gid=999; \\
    useradd -r -g postgres --uid=999 --home-dir=/var/lib/postgresql --shell=/bin/bash postgres; \\
    install --verbose --directory --owner postgres --group postgres --mode 1777 /var/lib/postgresql
ENV LANG=C.UTF-8
ENV PG_MAJOR 17
ENV PATH $PATH:/usr/lib/postgresql/$PG_MAJOR/bin
ARG DEBIAN_FRONTEND=noninteractive
RUN --mount=type=bind,source=debs,target=/debs set -eux; \\
    mkdir -p /etc/postgresql-common; echo 'create_main_cluster = false' > /etc/postgresql-common/createcluster.conf; \\
    apt-get install -y --no-install-recommends /debs/*.deb; postgres --version
RUN install --directory --owner postgres --group postgres --mode 3777 /var/run/postgresql
ENV PGDATA=/var/lib/postgresql/data
RUN install --directory --owner postgres --group postgres --mode 1777 "$PGDATA"
VOLUME /var/lib/postgresql/data
COPY docker-entrypoint.sh /usr/local/bin/
RUN chmod 755 /usr/local/bin/docker-entrypoint.sh
COPY init /docker-entrypoint-initdb.d
ENTRYPOINT ["docker-entrypoint.sh"]
STOPSIGNAL SIGINT
EXPOSE 5432
CMD ["postgres"]
`,
    asked: {
      server: true,
      command: ["psql", "-U", "postgres", "-Atc", "select string_agg(name, ' and ' order by name) from boats"],
      says: "dory and hoy",
    },
  },
  {
    name: "redis: apt in the build, a directory of data, a health check without a shell",
    debs: "redis",
    files: { "redis.conf": "dir /data\nappendonly yes\nprotected-mode no\n" },
    dockerfile: `FROM debian
RUN groupadd -r -g 999 redis && useradd -r -g redis -u 999 redis
ARG DEBIAN_FRONTEND=noninteractive
RUN --mount=type=bind,source=debs,target=/debs \\
    apt-get install -y --no-install-recommends /debs/*.deb
RUN mkdir /data && chown redis:redis /data && rm -rf /etc/redis
COPY --chown=redis redis.conf /usr/local/etc/redis/
VOLUME /data
WORKDIR /data
USER redis
EXPOSE 6379
HEALTHCHECK --retries=5 CMD ["redis-cli", "ping"]
CMD ["redis-server", "/usr/local/etc/redis/redis.conf"]
`,
    asked: { server: true, command: ["redis-cli", "ping"], says: "PONG" },
  },
];
