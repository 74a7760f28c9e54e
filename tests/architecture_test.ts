import assert from "node:assert/strict";

type Graph = { modules: { specifier: string; dependencies?: Dependency[] }[] };
type Dependency = { code?: { specifier: string }; type?: { specifier: string } };

const ROOT = new URL("../", import.meta.url).href;

/** What a folder's files may import, as the first words of paths; a file may always import its own folder. */
const MAY_IMPORT: [from: RegExp, to: RegExp][] = [
  [/^main\.ts$/, /./],
  [/^routes\//, /^(routes|lib)\/|^deno\.json$/],
  [/^pipeline\//, /^(pipeline|lib)\//],
  [/^cameras\//, /^(cameras|lib)\//],
  [/^lib\/model\//, /^lib\/model\//],
  [/^lib\/(kv|errors|clock|locks)\.ts$/, /^lib\/(errors|clock)\.ts$/],
  [/^lib\/tables\.ts$/, /^lib\/(kv\.ts|model\/)/],
  [/^lib\//, /^lib\/|^deno\.json$/],
];

/** Packages that one place alone may import. */
const OWNERS: [pattern: RegExp, owner: RegExp][] = [
  [/^npm:\/?@google\/genai/, /^lib\/ai\/gemini\.ts$/],
  [/^npm:\/?openai/, /^lib\/ai\/openai\.ts$/],
  [/^npm:\/?(sharp|imagescript|libheif-js|thumbhash)/, /^lib\/imaging\//],
  [/^npm:\/?(tesseract\.js|@tesseract)/, /^lib\/ocr\//],
  [/^npm:\/?prom-client/, /^lib\/metrics\.ts$/],
  [/^npm:\/?(@mozilla\/readability|linkedom)/, /^lib\/reader\//],
  [/^npm:\/?htmlparser2/, /^lib\/(reader|discovery)\//],
  [/^npm:\/?ipaddr\.js/, /^lib\/net\//],
  [/^npm:\/?modern-tar/, /^lib\/archive\.ts$/],
  [/^npm:\/?jose/, /^lib\/auth\/tokens\.ts$/],
  [/^npm:\/?bcryptjs/, /^lib\/auth\/passwords\.ts$/],
  [/^npm:\/?busboy/, /^routes\/shared\/multipart\.ts$/],
];

/** Concrete adapters: named by the files that choose among them, nobody else. */
const ADAPTERS =
  /^lib\/(storage\/(local|memory|s3|kv)|ai\/(gemini|openai)|imaging\/(sharp|imagescript|heif))\.ts$/;
const CHOOSERS = /^(lib\/foundations|lib\/services|lib\/ai\/ai|lib\/imaging\/\w+)\.ts$/;

Deno.test("imports point from the entrances to the centre", async () => {
  assert.ok((await edges()).length > 100, "the graph of main.ts is there");
  const wrong = (await edges()).filter(([from, to]) => {
    const rule = MAY_IMPORT.find(([pattern]) => pattern.test(from));
    return !to.startsWith("npm:") && !to.startsWith("node:") && !rule?.[1].test(to);
  });
  assert.deepEqual(wrong, []);
});

Deno.test("packages are imported by their owners alone", async () => {
  const wrong = (await edges()).filter(([from, to]) => {
    const rule = OWNERS.find(([pattern]) => pattern.test(to));
    return rule && !rule[1].test(from);
  });
  assert.deepEqual(wrong, []);
});

Deno.test("concrete adapters are named where they are chosen", async () => {
  const wrong = (await edges()).filter(([from, to]) =>
    ADAPTERS.test(to) && !CHOOSERS.test(from) && folderOf(from) !== folderOf(to)
  );
  assert.deepEqual(wrong, []);
});

Deno.test("only config.ts reads the environment; others ask where packages and programs are", async () => {
  const readers: string[] = [];
  for await (const [path, text] of sources()) {
    if (/Deno\.env|process\.env/.test(text)) readers.push(path);
  }
  assert.deepEqual(
    readers.filter((path) => !/^lib\/(config|sandbox_process|permissions)\.ts$/.test(path)),
    [],
  );
});

Deno.test("only tables.ts spells a key of the database", async () => {
  const spellers: string[] = [];
  for await (const [path, text] of sources()) {
    if (/\btable\(\s*"/.test(text) && path !== "lib/tables.ts") spellers.push(path);
  }
  assert.deepEqual(spellers, []);
});

const LOG_CALL = /\blog\.\w+\(([\s\S]*?)\);/g;
const STRING = /"[^"\n]*"/g;
const PERSON = /\b(user_?name|email|file_?name|original_?name|address|ip|hostname)\b/i;

Deno.test("what is logged names no person: their names and addresses go through pseudonym()", async () => {
  const named: string[] = [];
  for await (const [path, text] of sources()) {
    for (const [, call = ""] of text.matchAll(LOG_CALL)) {
      const told = call.replace(/pseudonym\(.*\)/g, "").replace(STRING, "");
      if (PERSON.test(told)) named.push(`${path}: ${call.trim()}`);
    }
  }
  assert.deepEqual(named, []);
});

let graph: Promise<[from: string, to: string][]> | undefined;

/** Every import of the program: from a file of ours, to a file of ours or a package. */
function edges() {
  return graph ??= (async () => {
    const command = new Deno.Command(Deno.execPath(), {
      args: ["info", "--json", new URL("../main.ts", import.meta.url).pathname],
      stderr: "inherit",
    });
    const { stdout } = await command.output();
    const { modules }: Graph = JSON.parse(new TextDecoder().decode(stdout));
    return modules.filter(({ specifier }) => specifier.startsWith(ROOT)).flatMap((module) =>
      (module.dependencies ?? []).flatMap(({ code, type }) => {
        const to = (code ?? type)?.specifier;
        return to ? [[short(module.specifier), short(to)] as [string, string]] : [];
      })
    );
  })();
}

function short(specifier: string): string {
  return specifier.startsWith(ROOT) ? specifier.slice(ROOT.length) : specifier;
}

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/") + 1);
}

async function* sources(): AsyncGenerator<[path: string, text: string]> {
  for (const folder of ["lib", "routes", "pipeline", "cameras"]) yield* sourcesIn(folder);
}

async function* sourcesIn(folder: string): AsyncGenerator<[path: string, text: string]> {
  for await (
    const { name, isDirectory } of Deno.readDir(new URL(`../${folder}/`, import.meta.url))
  ) {
    const path = `${folder}/${name}`;
    if (isDirectory) yield* sourcesIn(path);
    else if (/\.tsx?$/.test(name)) {
      yield [path, await Deno.readTextFile(new URL(`../${path}`, import.meta.url))];
    }
  }
}
