import { BlockList, isIP } from "node:net";

type Env = Readonly<Record<string, string | undefined>>;

/** Finds the proxy for an address, or undefined for the direct way. */
export type ProxyFor = (url: URL) => URL | undefined;

/**
 * `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`, in capitals or not, as Dex reads them: a proxy without a scheme is an
 * HTTP proxy, this machine itself is always reached directly, and `NO_PROXY` knows domains with everything below
 * them, `.domain` for what is below alone, addresses, networks and ports. compat(dex): x/net/http/httpproxy.
 * @throws {Error} A proxy is no URL. The message does not quote it, since it may hold a password.
 */
export function proxyFrom(env: Env): ProxyFor {
  const read = (name: string): string => env[name.toUpperCase()] || env[name] || "";
  const https = parseProxy("HTTPS_PROXY", read("https_proxy"));
  const http = parseProxy("HTTP_PROXY", read("http_proxy"));
  const exceptions = read("no_proxy")
    .split(",")
    .map((entry) => entry.trim().toLowerCase())
    .filter((entry) => entry !== "")
    .map(parseException);
  return (url) => {
    const proxy = url.protocol === "https:" ? https : http;
    if (proxy === undefined) return undefined;
    const host = url.hostname.replace(/^\[(.*)\]$/, "$1").replace(/\.$/, "");
    if (host === "localhost" || isLoopback(host)) return undefined;
    const port = url.port === "" ? (url.protocol === "https:" ? "443" : "80") : url.port;
    return exceptions.some((matches) => matches(host, port)) ? undefined : proxy;
  };
}

function parseProxy(name: string, text: string): URL | undefined {
  if (text === "") return undefined;
  const proxy = URL.parse(/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`);
  if (proxy === null || !/^(https?|socks5):$/.test(proxy.protocol)) throw new Error(`${name} is no address of a proxy`);
  return proxy;
}

type Exception = (host: string, port: string) => boolean;

function parseException(entry: string): Exception {
  if (entry === "*") return () => true;
  const [, network = "", bits = ""] = /^([^/]+)\/(\d+)$/.exec(entry) ?? [];
  if (isIP(network) !== 0 && isPrefix(network, Number(bits))) return inNetwork(network, Number(bits));
  const [, bracketed, named = entry, port] = /^(?:\[([^\]]+)\]|([^:]*))(?::(\d+))?$/.exec(entry) ?? [];
  const name = bracketed ?? named;
  const isPort = (given: string): boolean => port === undefined || port === given;
  if (isIP(name) !== 0) {
    const isSame = inNetwork(name, isIP(name) === 4 ? 32 : 128);
    return (host, given) => isPort(given) && isSame(host, given);
  }
  const below = name.replace(/^\*\./, ".");
  if (below.startsWith(".")) return (host, given) => isPort(given) && host.endsWith(below);
  return (host, given) => isPort(given) && (host === below || host.endsWith(`.${below}`));
}

const isPrefix = (network: string, bits: number): boolean => bits <= (isIP(network) === 4 ? 32 : 128);
const familyOf = (address: string): "ipv4" | "ipv6" => (isIP(address) === 4 ? "ipv4" : "ipv6");

function inNetwork(network: string, bits: number): Exception {
  const list = new BlockList();
  list.addSubnet(network, bits, familyOf(network));
  return (host) => isIP(host) !== 0 && list.check(host, familyOf(host));
}

const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8);
loopback.addAddress("::1", "ipv6");
const isLoopback = (host: string): boolean => isIP(host) !== 0 && loopback.check(host, familyOf(host));
