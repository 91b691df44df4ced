import { type ClientHttp2Session, connect, constants } from "node:http2";
import type { MethodDefinition } from "@grpc/grpc-js";

const { HTTP2_HEADER_METHOD, HTTP2_HEADER_PATH } = constants;
/** A flag and a length. */
const frameHead = 5;

/**
 * One HTTP/2 connection that carries unary calls, many at a time: a fraction of what a whole gRPC client costs, since
 * generator and server share the machine. A call fails when its status is not 0, or when it is `deadlineMs` overdue.
 */
export class GrpcConnection {
  readonly #session: ClientHttp2Session;
  readonly #deadlineMs: number;

  /** `address`: "127.0.0.1:5557", in clear. */
  constructor(address: string, deadlineMs: number) {
    this.#session = connect(`http://${address}`);
    // A call in flight fails by its own stream.
    this.#session.on("error", () => undefined);
    this.#deadlineMs = deadlineMs;
  }

  call<Request, Response>(method: MethodDefinition<Request, Response>, message: Request): Promise<Response> {
    return new Promise((resolve, reject) => {
      const stream = this.#session.request({
        ...{ [HTTP2_HEADER_METHOD]: "POST", [HTTP2_HEADER_PATH]: method.path },
        ...{ "content-type": "application/grpc", te: "trailers" },
      });
      const chunks: Buffer[] = [];
      let refusal = "the stream ended without a status";
      const told = (headers: Readonly<Record<string, unknown>>): void => {
        if (headers["grpc-status"] !== undefined)
          refusal =
            headers["grpc-status"] === "0" ? "" : `status ${headers["grpc-status"]}: ${headers["grpc-message"]}`;
      };
      stream.on("response", told);
      stream.on("trailers", told);
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("error", reject);
      stream.setTimeout(this.#deadlineMs, () => stream.destroy(new Error(`no answer within ${this.#deadlineMs} ms`)));
      stream.on("end", () => {
        if (refusal === "") resolve(method.responseDeserialize(Buffer.concat(chunks).subarray(frameHead)));
        else reject(new Error(`${method.path}: ${refusal}`));
      });
      stream.end(framed(method.requestSerialize(message)));
    });
  }

  close(): void {
    this.#session.destroy();
  }
}

function framed(message: Buffer): Buffer {
  const head = Buffer.alloc(frameHead);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}
