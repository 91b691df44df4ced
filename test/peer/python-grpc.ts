/** A client in Python, with stubs made from our `.proto` files by Google's own compiler. */
import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { peerFolder } from "./peer.ts";

/** Debian's own: another Python in PATH does not see its packages. */
const python = "/usr/bin/python3";

export const pythonGrpcPrograms = {
  [python]: "python3",
  "/usr/lib/python3/dist-packages/grpc/__init__.py": "python3-grpcio",
  "/usr/lib/python3/dist-packages/grpc_tools/protoc.py": "python3-grpc-tools",
};

export interface PythonTarget {
  readonly address: string;
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
}

const proto = fileURLToPath(new URL("../../proto/", import.meta.url));
const run = promisify(execFile);

const head = `
import sys, json, grpc, api_pb2 as api, api_pb2_grpc, admin_pb2 as admin, admin_pb2_grpc
read = lambda name: open(name, "rb").read()
address, ca, cert, key = sys.argv[1:5]
channel = grpc.secure_channel(address, grpc.ssl_channel_credentials(read(ca), read(key), read(cert)))
dex, dexts = api_pb2_grpc.DexStub(channel), admin_pb2_grpc.AdminStub(channel)
`;

/** Runs `script`, which has `dex`, `dexts`, `api`, `admin` and `json`, and resolves to what it prints. @throws {Error} It failed. */
export async function runPython(script: string, { address, caFile, certFile, keyFile }: PythonTarget): Promise<string> {
  const folder = peerFolder("python");
  try {
    // Debian's compiler is of 2018 and does not know `optional`, which changes nothing on the wire.
    for (const name of ["api.proto", "admin.proto"]) {
      const text = readFileSync(join(proto, name), "utf8");
      writeFileSync(join(folder.path, name), text.replaceAll(/^ {2}optional /gm, "  "));
    }
    const out = ["--python_out=.", "--grpc_python_out=."];
    const compile = ["-m", "grpc_tools.protoc", "-I.", ...out, "api.proto", "admin.proto"];
    await run(python, compile, { cwd: folder.path });
    const args = ["-c", head + script, address, caFile, certFile, keyFile];
    return (await run(python, args, { cwd: folder.path, env: { PYTHONPATH: folder.path } })).stdout;
  } finally {
    folder.remove();
  }
}
