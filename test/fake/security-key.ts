/** A security key in software, as a browser speaks with one: ES256, attestation "none". WebAuthn Level 3 §6. */
import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";

export interface SecurityKey {
  readonly id: string;
  /** What {@link SecurityKey.sign} counts; tests wind it. */
  counter: number;
  /** What the flags say besides presence. */
  isVerifying: boolean;
  /** Else it says 0 for ever. */
  isCounting: boolean;
  /** base64url, as a passkey tells it; null: a key that is asked by its id. */
  userHandle: string | null;
  readonly privateKey: KeyObject;
  register(challenge: string): object;
  sign(challenge: string): object;
}

export interface KeyOptions {
  readonly rpId: string;
  readonly origin: string;
  readonly id?: Buffer;
  readonly privateKey?: KeyObject;
  readonly counter?: number;
}

const sha256 = (data: string | Buffer): Buffer => createHash("sha256").update(data).digest();
const uint32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};

/** CBOR of text and bytes up to 65535 long. RFC 8949 §3. */
function cborHead(major: number, length: number): Buffer {
  if (length < 24) return Buffer.from([(major << 5) | length]);
  // The shortest form: readers that measure by writing anew rely on it. CTAP 2.1 §8.
  return length < 256
    ? Buffer.from([(major << 5) | 24, length])
    : Buffer.from([(major << 5) | 25, length >> 8, length & 255]);
}
const cborText = (text: string): Buffer => Buffer.concat([cborHead(3, text.length), Buffer.from(text)]);
const cborBytes = (bytes: Buffer): Buffer => Buffer.concat([cborHead(2, bytes.length), bytes]);

export function securityKey({ rpId, origin, id = randomBytes(32), privateKey, counter = 0 }: KeyOptions): SecurityKey {
  const key = privateKey ?? generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
  const { x = "", y = "" } = key.export({ format: "jwk" });
  const clientData = (type: string, challenge: string): Buffer =>
    Buffer.from(JSON.stringify({ type, challenge, origin, crossOrigin: false }));
  const authenticatorData = (flags: number, count: number): Buffer =>
    Buffer.concat([sha256(rpId), Buffer.from([flags]), uint32(count)]);
  const presence = (): number => (device.isVerifying ? 0x05 : 0x01);
  const device: SecurityKey = {
    id: id.toString("base64url"),
    counter,
    isVerifying: true,
    isCounting: true,
    userHandle: null,
    privateKey: key,
    register(challenge) {
      // RFC 9052 §7: {1: 2, 3: -7, -1: 1, -2: x, -3: y}.
      const cose = Buffer.concat([
        Buffer.from([0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21]),
        cborBytes(Buffer.from(x, "base64url")),
        Buffer.from([0x22]),
        cborBytes(Buffer.from(y, "base64url")),
      ]);
      const length = Buffer.from([id.length >> 8, id.length & 255]);
      const data = Buffer.concat([
        authenticatorData(presence() | 0x40, device.counter),
        Buffer.alloc(16),
        length,
        id,
        cose,
      ]);
      const attestation = [
        cborText("fmt"),
        cborText("none"),
        cborText("attStmt"),
        Buffer.from([0xa0]),
        cborText("authData"),
        cborBytes(data),
      ];
      return {
        id: device.id,
        rawId: device.id,
        type: "public-key",
        response: {
          attestationObject: Buffer.concat([Buffer.from([0xa3]), ...attestation]).toString("base64url"),
          clientDataJSON: clientData("webauthn.create", challenge).toString("base64url"),
          transports: ["usb"],
        },
      };
    },
    sign(challenge) {
      if (device.isCounting) device.counter += 1;
      const data = authenticatorData(presence(), device.counter);
      const client = clientData("webauthn.get", challenge);
      const signature = sign("sha256", Buffer.concat([data, sha256(client)]), key);
      return {
        id: device.id,
        rawId: device.id,
        type: "public-key",
        response: {
          authenticatorData: data.toString("base64url"),
          clientDataJSON: client.toString("base64url"),
          signature: signature.toString("base64url"),
          userHandle: device.userHandle,
        },
      };
    },
  };
  return device;
}
