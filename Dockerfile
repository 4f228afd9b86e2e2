# The image that runs in a cluster; `npm run image` packs the same content with no container engine.
#
#   docker build -t relayfleet .
#   operator: the image as it is; relay: args ["/app/relay.js", "--config", …]
FROM node:24-bookworm-slim AS build
WORKDIR /src
COPY package.json package-lock.json ./
# The package `node` would bring a second Node by its script; this stage has one.
RUN npm ci --ignore-scripts
COPY . .
RUN node build.ts

FROM gcr.io/distroless/nodejs24-debian12:nonroot
WORKDIR /app
COPY --from=build /src/dist/*.js /src/dist/*.txt /src/dist/*.cnf /src/package.json /src/LICENSE /app/
USER 65532:65532
ENTRYPOINT ["/nodejs/bin/node"]
CMD ["/app/relayfleet.js"]
