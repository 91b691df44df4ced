import { fileURLToPath } from "node:url";
import type { MethodDefinition, ServiceDefinition } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { GrpcConnection } from "../grpc/grpc-connection.ts";
import { fieldsOf } from "../oidc/relying-party.ts";
import type { System } from "../system/contract.ts";
import type { RateWorkload, Stage } from "./rate.ts";

const folder = fileURLToPath(new URL("../../proto/", import.meta.url));
/** So that calls travel together as a tool's do, without one connection doing all the work. */
const connectionCount = 4;

const hasNone = ({ family }: System): string | undefined =>
  family === "oidc-provider" ? "has no gRPC API" : undefined;

type Method = MethodDefinition<unknown, unknown>;

function methodOf(name: string): Method {
  const service = loadSync("api.proto", { includeDirs: [folder], keepCase: true })["api.Dex"];
  const method = (service as ServiceDefinition | undefined)?.[name];
  if (method === undefined) throw new Error(`no method ${name}`);
  return method;
}

/** As many callers as there are clients, each with one call under way. */
function callers(stage: Stage, operation: (connection: GrpcConnection) => Promise<void>) {
  const { server, options } = stage;
  if (server.grpcAddress === undefined) throw new Error("it has no gRPC API");
  const address = server.grpcAddress;
  const connections = Array.from({ length: Math.min(connectionCount, options.clients) }, () =>
    stage.own(new GrpcConnection(address, options.deadlineMs)),
  );
  return Array.from({ length: options.clients }, (_, index) => {
    const connection = connections[index % connections.length];
    return async () => connection && operation(connection);
  });
}

export const grpcVersion: RateWorkload = {
  name: "grpc-version",
  operation: "one GetVersion over gRPC in clear, on four connections",
  needs: [],
  start: { hasGrpc: true },
  reasonToStayAway: hasNone,
  crews: async (stage) => {
    const method = methodOf("GetVersion");
    const members = callers(stage, async (connection) => {
      const { api } = fieldsOf(await connection.call(method, {}));
      if (typeof api !== "number" || api < 2) throw new Error(`GetVersion says api ${String(api)}`);
    });
    return [{ name: "call", members }];
  },
};

export const grpcCreateClient: RateWorkload = {
  name: "grpc-create-client",
  operation: "one CreateClient over gRPC whose id and secret the server makes; every client is a new one",
  needs: [],
  start: { hasGrpc: true },
  reasonToStayAway: (system) => hasNone(system) ?? (system.store === "sqlite" ? undefined : "measured on SQLite"),
  crews: async (stage) => {
    const method = methodOf("CreateClient");
    const request = { client: { name: "Benchmark", redirect_uris: ["https://app.example/callback"] } };
    const members = callers(stage, async (connection) => {
      const { client } = fieldsOf(await connection.call(method, request));
      const { id, secret } = fieldsOf(client);
      if (typeof id !== "string" || id === "" || typeof secret !== "string" || secret.length < 20)
        throw new Error("CreateClient brought no client");
    });
    return [{ name: "call", members }];
  },
};
