import assert from "node:assert/strict";
import { createTargets, type Kind, Refusal } from "../../../lib/net/targets.ts";

/** An internet of its own: every name it does not know has a public address. */
const DNS: Record<string, string[]> = {
  "inside.example.com": ["10.0.0.5"],
  "loop.example.com": ["127.0.0.1"],
  "mixed.example.com": ["93.184.216.34", "192.168.0.1"],
  "mapped.example.com": ["::ffff:127.0.0.1"],
  "six.example.com": ["2606:4700::1111", "93.184.216.34"],
  "link.example.com": ["fe80::1%eth0"],
  "odd.example.com": ["not an address"],
  "none.example.com": [],
  "camera.lan": ["192.168.1.20"],
  "camera": ["192.168.1.20"],
  "stray.lan": ["93.184.216.34"],
};

function targets(kind: Kind, allowedNets: string[] = []) {
  const asked: string[] = [];
  const resolve = (name: string) => {
    asked.push(name);
    return Promise.resolve(DNS[name] ?? ["93.184.216.34"]);
  };
  return { ...createTargets({ kind, allowedNets, resolve }), asked };
}

/** Refused by both kinds, before anybody is asked. */
const REFUSED_UNASKED = String.raw`http://127.0.0.1/ http://LOCALHOST/ http://LOCALHOST./
  http://127.0.1/ http://127.1/ http://0/ http://0.0.0.0/ http://017700000001/ http://0177.0.0.1/
  http://0x7f.1/ http://0x7f000001/ http://2130706433/ http://127.0.0.1./ http://127.0.0.1#@example.com/
  http://127.0.0.1\@example.com/ http:\\127.0.0.1\ http:/127.0.0.1/ http:127.0.0.1/ http:///127.0.0.1/
  http://①②⑦.⓪.⓪.①/ http://１２７．０．０．１/ http://127。0。0。1/ http://%31%32%37.0.0.1/
  http://127.0.0.1%00.example.com/ http://exa%00mple.com/ http://loca%6chost/ http://ℒocalhost/
  http://[::1]/ http://[::]/ http://[0:0:0:0:0:0:0:1]/ http://[::ffff:7f00:1]/ http://[::ffff:127.0.0.1]/
  http://[::ffff:8.8.8.8]/ http://[::127.0.0.1]/ http://[64:ff9b::7f00:1]/ http://[64:ff9b:1::7f00:1]/
  http://[2001:0:7f00:1::1]/ http://[2002:7f00:1::]/ http://[fc00::1]/ http://[fd00:ec2::254]/
  http://[fe80::1]/ http://[fe80::1%25eth0]/ http://[ff02::1]/ http://[::1 http://10.0.0.1/
  http://172.16.0.1/ http://192.168.0.1/ http://169.254.169.254/latest/meta-data/ http://2852039166/
  http://0xa9fea9fe/ http://[::ffff:a9fe:a9fe]/ http://100.100.100.200/ http://168.63.129.16/
  http://192.0.2.1/ http://198.51.100.1/ http://203.0.113.1/ http://224.0.0.1/ http://255.255.255.255/
  http://256.1.1.1/ http://1.2.3.4.5/ http://a.localhost/ http://x.LOCAL/ http://metadata.google.internal/
  http://kubernetes.default.svc/ http://kubernetes.default.svc.cluster.local/ http://router/ http://nas.lan/
  http://fritz.home.arpa/ http://x.onion/ http://example.com:6379/ http://example.com:22/
  http://example.com:0/ http://example.com:65536/ http://example.com:-1/ http://8.8.8.8:25/
  http://127.0.0.1:8080/ http://a..b.com/ http://.example.com/ http://exa$mple.com/ http:// http://./ http
  file:///etc/passwd file://localhost/etc/passwd blob:http://x/y blob:http://example.com/ ftp://example.com/
  gopher://example.com/ ldap://127.0.0.1/ javascript:alert(1) data:text/html,x about:blank ws://example.com/
  wss://example.com/ rtmp://example.com/ rtsps://example.com/ tcp://127.0.0.1:22 //example.com/ example.com
  subfile,,start,0,end,0,,:/etc/passwd concat:http://example.com/ -i`.split(/\s+/);

const refused = (text: string) => ({ text, outcome: "refused" });

async function outcomes(
  { locate }: Pick<ReturnType<typeof targets>, "locate">,
  texts: string[],
): Promise<{ text: string; outcome: string }[]> {
  return await Promise.all(texts.map(async (text) => {
    const outcome = await locate(text).then(
      ({ url, addresses }) => `${url.href} ${addresses}`,
      (error) => error instanceof Refusal ? "refused" : `threw ${error}`,
    );
    return { text, outcome };
  }));
}

for (const kind of ["web", "camera"] as const) {
  Deno.test(`locate() refuses inner and odd URLs without a look-up (${kind})`, async () => {
    const { locate, asked } = targets(kind);
    const texts = [...REFUSED_UNASKED, "", " ", "http://" + "a".repeat(254) + ".com/"];
    texts.push("http://example.com/" + "a".repeat(10_000));
    assert.deepEqual(await outcomes({ locate }, texts), texts.map(refused));
    assert.deepEqual(asked, []);
  });

  Deno.test(`locate() refuses a name with any address that is not public (${kind})`, async () => {
    const names = ["inside", "loop", "mixed", "mapped", "link", "odd", "none"];
    const texts = names.map((name) => `http://${name}.example.com/`);
    assert.deepEqual(await outcomes(targets(kind), texts), texts.map(refused));
  });

  Deno.test(`locate() takes what is public (${kind})`, async () => {
    const expected = {
      "http://example.com/": "http://example.com/ 93.184.216.34",
      "HTTPS://Example.COM.:443/a?b#c": "https://example.com/a?b 93.184.216.34",
      "http://example.com:8080/": "http://example.com:8080/ 93.184.216.34",
      "https://example.com:8443/": "https://example.com:8443/ 93.184.216.34",
      "http://example.com:443/": "http://example.com:443/ 93.184.216.34",
      "http://8.8.8.8/": "http://8.8.8.8/ 8.8.8.8",
      "http://134744072/": "http://8.8.8.8/ 8.8.8.8",
      "https://192.0.78.9/": "https://192.0.78.9/ 192.0.78.9",
      "http://[2606:4700::1111]:8080/": "http://[2606:4700::1111]:8080/ 2606:4700::1111",
      "http://six.example.com/": "http://six.example.com/ 2606:4700::1111,93.184.216.34",
      "http://münchen.de/é": "http://xn--mnchen-3ya.de/%C3%A9 93.184.216.34",
      "http://a_b.example.com/": "http://a_b.example.com/ 93.184.216.34",
      "http://127.0.0.1.nip.example.com/": "http://127.0.0.1.nip.example.com/ 93.184.216.34",
      "\n http://exa\tmple.com/ ": "http://example.com/ 93.184.216.34",
    };
    const found = await outcomes(targets(kind), Object.keys(expected));
    assert.deepEqual(found, Object.entries(expected).map(([text, outcome]) => ({ text, outcome })));
  });
}

Deno.test("locate() keeps user, more ports and RTSP for cameras", async () => {
  const texts = [
    "http://user:pass@example.com/",
    "http://user@example.com/",
    "http://:pass@example.com/",
    "http://127.0.0.1%2f@example.com/",
    ...[81, 88, 554, 8000, 8081, 8999].map((port) => `http://example.com:${port}/`),
    "rtsp://example.com/",
    "rtsp://u:p@example.com:8554/live",
  ];
  assert.deepEqual(await outcomes(targets("web"), texts), texts.map(refused));
  assert.deepEqual(
    (await outcomes(targets("camera"), texts)).filter(({ outcome }) => outcome === "refused"),
    [],
  );
  const beyond = [79, 555, 7999, 9000, 6379].map((port) => `http://example.com:${port}/`);
  assert.deepEqual(await outcomes(targets("camera"), beyond), beyond.map(refused));
});

Deno.test("locate() reads an RTSP host as strictly as a host of HTTP", async () => {
  const inner = `127.0.0.1 127.1 0x7f.1 2130706433 017700000001 [::1] [::ffff:127.0.0.1] localhost
    LOCALHOST. %31%32%37.0.0.1 ①②⑦.⓪.⓪.① 169.254.169.254 10.0.0.1 u:p@127.0.0.1 127.0.0.1:8554 x
    user@pass@127.1 example.com:22`;
  const texts = inner.split(/\s+/).map((host) => `rtsp://${host}/;touch\${IFS}/tmp/pwn`);
  texts.push("rtsp:///live", "rtsp:live", "rtsp://");
  assert.deepEqual(await outcomes(targets("camera"), texts), texts.map(refused));
  const { url, addresses, credentials } = await targets("camera").locate(
    "rtsp://us%40er:p%3Ass@Cam.Example.COM.:8554/live?a=1#b",
  );
  assert.equal(url.href, "rtsp://cam.example.com:8554/live?a=1");
  assert.deepEqual({ addresses, credentials }, {
    addresses: ["93.184.216.34"],
    credentials: "us@er:p:ss",
  });
  await assert.rejects(targets("camera").locate("rtsp://%ff:x@example.com/"), Refusal);
});

Deno.test("allowed nets lift the rules for addresses and ports of what lies in them", async () => {
  const lan = targets("web", ["192.168.1.0/24", "fd00::/8"]);
  const taken = [
    "http://192.168.1.20:9999/",
    "http://[fd00::1]:1/",
    "http://camera.lan:81/",
    "http://camera:81/",
    "http://8.8.8.8/",
  ];
  assert.deepEqual(
    (await outcomes(lan, taken)).filter(({ outcome }) => outcome === "refused"),
    [],
  );
  const others = [
    "http://192.168.2.1/",
    "http://127.0.0.1/",
    "http://[::ffff:192.168.1.20]/",
    "http://mixed.example.com/",
    "http://inside.example.com/",
    "http://stray.lan/",
    "http://8.8.8.8:9999/",
    "http://example.com:9999/",
    "http://user:pass@192.168.1.20/",
    "ftp://192.168.1.20/",
  ];
  assert.deepEqual(await outcomes(lan, others), others.map(refused));
});

Deno.test("createTargets() does not start with a net that it cannot read", () => {
  assert.throws(() => targets("web", ["10.0.0.0/99"]), /Cannot read "10.0.0.0\/99" as a net/);
});
