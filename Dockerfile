# The image: Node, the server and Dex's paths, in an empty file system. No shell, no package manager, uid 1001.
#   make image          or: docker build --build-arg VERSION=1.2.3 -t dex .
# What is in it is decided by scripts/package/rootfs.ts; its tests run that same folder.

FROM node:24.21.0-bookworm-slim AS build
# For the Kerberos addon (libgssapi goes into the image), and to make Node smaller.
RUN apt-get update \
 && apt-get install -y --no-install-recommends binutils ca-certificates g++ libkrb5-dev make python3 \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
# Without scripts: the one that matters would fetch a binary that the lock file does not vouch for. It is compiled here,
# with the headers of this Node, or the build fails.
RUN npm ci --ignore-scripts --no-audit --no-fund \
 && npm_config_build_from_source=kerberos npm_package_config_node_gyp_nodedir=/usr/local npm rebuild kerberos
COPY . .
ARG VERSION=""
RUN VERSION="$VERSION" node scripts/package/bundle.ts --out /bundle \
 && node scripts/package/rootfs.ts --dist /bundle --out /rootfs

FROM scratch
ARG VERSION=""
LABEL org.opencontainers.image.title="Dex" org.opencontainers.image.licenses="Apache-2.0" org.opencontainers.image.version="$VERSION"
COPY --from=build /rootfs/ /
# Said again, because not every builder keeps the owners of what it copies.
COPY --from=build --chown=1001:1001 /rootfs/etc/dex/ /etc/dex/
COPY --from=build --chown=1001:1001 /rootfs/var/dex/ /var/dex/
# Two pools of memory, as in bin/dex: here, so that whoever starts another command than the entry point has it too.
ENV PATH=/usr/local/bin MALLOC_ARENA_MAX=2
USER 1001:1001
# http, https, gRPC, telemetry
EXPOSE 5556 5554 5557 5558
ENTRYPOINT ["/usr/local/bin/docker-entrypoint"]
CMD ["dex", "serve", "/etc/dex/config.docker.yaml"]
