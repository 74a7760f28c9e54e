import assert from "node:assert/strict";
import { readForeignCameras } from "../../lib/camera_import.ts";

const told = (yaml: string) =>
  readForeignCameras(yaml).cameras.map(({ camera: { name, url, location, fps }, enabled }) => [
    ...[name, url, location, fps, enabled],
  ]);

Deno.test("readForeignCameras() reads a list, with login beside the address or within it", () => {
  const yaml = `
cameras:
  - id: cam1
    name: Gate
    rtsp_url: rtsp://10.0.0.5:554/stream1
    username: viewer
    password: "p@ss:word"
    zone: Yard
    fps: 5
    enabled: true
    anything: else
  - id: 2
    url: http://me:secret@10.0.0.6/shot.jpg
    username: other
    enabled: false
`;
  assert.deepEqual(told(yaml), [
    ["Gate", "rtsp://viewer:p%40ss%3Aword@10.0.0.5:554/stream1", "Yard", 5, true],
    ["2", "http://me:secret@10.0.0.6/shot.jpg", "", 2, false],
  ]);
});

Deno.test("readForeignCameras() reads a map from ids, and a bare list", () => {
  const entry = "{ source: 'http://10.0.0.6/video' }";
  assert.deepEqual(told(`cameras:\n  door: ${entry}`)[0]?.slice(0, 2), [
    ...["door", "http://10.0.0.6/video"],
  ]);
  assert.deepEqual(told(`- ${entry}`)[0]?.[0], "camera 1");
});

Deno.test("readForeignCameras() understands what Python's YAML writes", () => {
  const yaml = `
defaults: &all { username: viewer, password: 0123, fps: 1.5 }
cameras:
  gate: { <<: *all, url: "http://10.0.0.6/a", enabled: yes, zone: ~ }
  door: { url: "http://10.0.0.6/b", username: null, password: , enabled: Off, fps: , tags: !x [1] }
`;
  assert.deepEqual(told(yaml), [
    ["gate", "http://viewer:0123@10.0.0.6/a", "", 1.5, true],
    ["door", "http://10.0.0.6/b", "", 2, false],
  ]);
});

Deno.test("readForeignCameras() does not quote a file that it cannot read", () => {
  const isQuiet = ({ message }: Error) => {
    assert.match(message, /^Cannot read the file: .* at line 3, column \d+/);
    return !message.includes("secret");
  };
  assert.throws(() => readForeignCameras("a: 1\nb:\n- password: x: secret\n"), isQuiet);
});

Deno.test("readForeignCameras() says which entries are of no use, and why", () => {
  const { cameras, unusable } = readForeignCameras(`
cameras:
  webcam: { source: 0 }
  nowhere: { name: Nowhere }
  wrong: { url: "http://10.0.0.1/", fps: fast }
  text: hello
  maybe: { url: "http://10.0.0.1/", enabled: maybe }
`);
  assert.deepEqual(cameras, []);
  assert.deepEqual(unusable.map(({ name, reason }) => `${name}: ${reason}`.slice(0, 32)), [
    "webcam: it is a device of its ma",
    "Nowhere: it has no address",
    "wrong: fps: Invalid input: expec",
    "text: it: Invalid input: expecte",
    "maybe: enabled: It must be true ",
  ]);
});

Deno.test("readForeignCameras() refuses what is no list of cameras", () => {
  for (const yaml of ["", "hello", "a: 1", "cameras: 3"]) {
    assert.throws(() => readForeignCameras(yaml), /no list or map of cameras/);
  }
  const bomb = [
    "a: &a [x]",
    ...Array.from({ length: 12 }, (_, at) => {
      const [name, last] = [String.fromCharCode(98 + at), String.fromCharCode(97 + at)];
      return `${name}: &${name} [${Array(9).fill(`*${last}`).join(", ")}]`;
    }),
  ].join("\n");
  assert.throws(() => readForeignCameras(bomb));
});
