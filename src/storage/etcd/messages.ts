/** The messages of `proto/etcd.proto` as the loader hands them out: 64-bit numbers are text, bytes are Buffers. */
import { fileURLToPath } from "node:url";
import type { MethodDefinition } from "@grpc/grpc-js";
import { load } from "@grpc/proto-loader";

export interface RangeRequest {
  readonly key: Buffer;
  readonly range_end?: Buffer;
  readonly limit?: number;
  readonly serializable?: boolean;
  readonly keys_only?: boolean;
  readonly count_only?: boolean;
}

export interface KeyValue {
  readonly key: Buffer;
  readonly create_revision: string;
  readonly mod_revision: string;
  readonly value: Buffer;
}

export interface RangeResponse {
  readonly header: { readonly revision: string } | null;
  readonly kvs: readonly KeyValue[];
  readonly more: boolean;
  readonly count: string;
}

export type RequestOp =
  | { readonly request_range: RangeRequest }
  | { readonly request_put: { readonly key: Buffer; readonly value: Buffer } }
  | { readonly request_delete_range: { readonly key: Buffer } }
  | { readonly request_txn: TxnRequest };

export interface ResponseOp {
  readonly response_range?: RangeResponse;
  readonly response_delete_range?: { readonly deleted: string };
  readonly response_txn?: TxnResponse;
}

export type Compare =
  | {
      readonly target: "CREATE";
      readonly result: "EQUAL" | "GREATER";
      readonly key: Buffer;
      readonly create_revision: string;
    }
  | { readonly target: "MOD"; readonly result: "EQUAL"; readonly key: Buffer; readonly mod_revision: string };

export interface TxnRequest {
  readonly compare: readonly Compare[];
  readonly success: readonly RequestOp[];
  readonly failure?: readonly RequestOp[];
}

export interface TxnResponse {
  readonly succeeded: boolean;
  readonly responses: readonly ResponseOp[];
}

/** One call of etcd's API. */
export type Method<Request, Response> = Pick<
  MethodDefinition<Request, Response>,
  "path" | "requestSerialize" | "responseDeserialize"
>;

export interface Methods {
  readonly range: Method<RangeRequest, RangeResponse>;
  readonly txn: Method<TxnRequest, TxnResponse>;
  readonly authenticate: Method<{ readonly name: string; readonly password: string }, { readonly token: string }>;
}

/** Reads the protocol once, at the start. */
export async function loadMethods(): Promise<Methods> {
  const file = fileURLToPath(new URL("../../../proto/etcd.proto", import.meta.url));
  const definitions = await load(file, { keepCase: true, longs: String, defaults: true });
  const method = (service: string, name: string): unknown => {
    const found = definitions[`etcdserverpb.${service}`];
    return found !== undefined && name in found ? found[name as keyof typeof found] : undefined;
  };
  // The types above say what the file says; the loader knows them only at run time.
  return {
    range: method("KV", "Range"),
    txn: method("KV", "Txn"),
    authenticate: method("Auth", "Authenticate"),
  } as Methods;
}
