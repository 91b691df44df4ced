# The image: Node, the server and Dex's paths, in an empty file system. No shell, no package manager, uid 1001.
#   make image          or: docker build --build-arg VERSION=1.2.3 -t dex .
# What is in it is decided by scripts/package/rootfs.ts; its tests run that same folder.

FROM node:24.21.0-bookworm-slim AS build
# For the optional Kerberos addon (libgssapi goes into the image), and to make Node smaller.
RUN apt-get update \
 && apt-get install -y --no-install-recommends binutils ca-certificates g++ libkrb5-dev make python3 \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
# node-linux-*: for machines whose own Node is too old; this one is right.
RUN npm ci --no-audit --no-fund
COPY . .
ARG VERSION=""
RUN VERSION="$VERSION" node scripts/package/bundle.ts --out /bundle \
 && node scripts/package/rootfs.ts --dist /bundle --out /rootfs

FROM scratch
COPY --from=build /rootfs/ /
# Said again, because not every builder keeps the owners of what it copies.
COPY --from=build --chown=1001:1001 /rootfs/etc/dex/ /etc/dex/
COPY --from=build --chown=1001:1001 /rootfs/var/dex/ /var/dex/
ENV PATH=/usr/local/bin
USER 1001:1001
# http, https, gRPC, telemetry
EXPOSE 5556 5554 5557 5558
ENTRYPOINT ["/usr/local/bin/docker-entrypoint"]
CMD ["dex", "serve", "/etc/dex/config.docker.yaml"]
