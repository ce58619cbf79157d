// The images below the shapes: Debian, slim as Docker's own, and one for each language with its compilers. Each is a build
// itself: apt installs some hundred packages, as root of a user namespace.

import type { DebianPart } from "./parts.ts";

export const BASES: readonly DebianPart[] = ["c", "python", "node", "go", "rust", "java", "ruby", "php"];

/** On the root file system as debootstrap makes it. */
export const DEBIAN = `FROM debootstrap
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
RUN <<SCRIPT
set -e
echo force-unsafe-io > /etc/dpkg/dpkg.cfg.d/docker-apt-speedup
printf '#!/bin/sh\\nexit 101\\n' > /usr/sbin/policy-rc.d
chmod 755 /usr/sbin/policy-rc.d
for each in doc man locale; do echo "path-exclude /usr/share/$each/*"; done > /etc/dpkg/dpkg.cfg.d/docker
mkdir -p /usr/share/man/man1 /usr/share/man/man7
rm -rf /usr/share/locale/* /var/log/*.log /var/log/apt /etc/hostname
SCRIPT
CMD ["bash"]
`;

/** Packages lie in the context's directory debs. */
export const WITH_PACKAGES = `FROM debian
ARG DEBIAN_FRONTEND=noninteractive
RUN --mount=type=bind,source=debs,target=/debs apt-get install -y --no-install-recommends /debs/*.deb
`;
