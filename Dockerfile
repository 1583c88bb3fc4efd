# One file, three images: `docker build --target router .`, likewise classifier and simulated-backend.

FROM node:24-bookworm-slim AS build
RUN apt-get update \
 && apt-get install -y --no-install-recommends python3 make g++ \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /build
# What decides the installed packages, so that a change of the sources installs nothing.
COPY package.json pnpm-lock.yaml pnpm-workspace.yaml ./
COPY patches patches
COPY scripts scripts
COPY packages/contracts/package.json packages/contracts/
COPY packages/service-kit/package.json packages/service-kit/
COPY packages/simulated-backend/package.json packages/simulated-backend/
COPY services/router/package.json services/router/
COPY services/classifier/package.json services/classifier/
RUN node scripts/install.mjs
COPY . .
RUN MODEL_DIR=/model node scripts/setup.mjs
RUN node scripts/deploy.mjs /deploy

FROM node:24-bookworm-slim AS runtime
# A running service installs nothing.
RUN rm -rf /usr/local/lib/node_modules /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack /opt/yarn*
ENV NODE_ENV=production
WORKDIR /app
USER node

FROM runtime AS router
COPY --from=build /deploy/router ./
COPY config /config
ENV ROUTER_HOST=0.0.0.0 ROUTER_PORT=9000 SWITCHYARD_CONFIG=/config/demo.yaml
EXPOSE 9000
HEALTHCHECK --interval=5s --timeout=3s --start-period=20s --retries=3 \
  CMD ["node", "healthcheck.mjs", "http://127.0.0.1:9000/ready"]
CMD ["node", "dist/server.js"]

FROM runtime AS classifier
COPY --from=build /model /model
COPY --from=build --chown=node:node /deploy/empty /data
COPY --from=build /deploy/classifier ./
ENV CLASSIFIER_HOST=0.0.0.0 CLASSIFIER_PORT=9001 DATA_DIR=/data MODEL_DIR=/model
EXPOSE 9001
VOLUME /data
HEALTHCHECK --interval=5s --timeout=3s --start-period=60s --retries=3 \
  CMD ["node", "healthcheck.mjs", "http://127.0.0.1:9001/ready"]
CMD ["node", "dist/server.js"]

FROM runtime AS simulated-backend
COPY --from=build /deploy/simulated-backend ./
EXPOSE 8080
HEALTHCHECK --interval=5s --timeout=3s --start-period=10s --retries=3 \
  CMD ["node", "healthcheck.mjs", "http://127.0.0.1:8080/health"]
ENTRYPOINT ["node", "dist/cli.js", "--host", "0.0.0.0", "--port", "8080"]
