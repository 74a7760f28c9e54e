/**
 * Loaded before `main.ts` (`deno run --preload`), so that the program itself needs no hook: counts
 * every act that lasts (a commit to the KV, bytes written to a file, a file renamed or removed),
 * notes it in a journal, and kills its own process before or after a chosen one.
 *
 *     --journal=FILE     one line an act: "3 rename <tenant>/44/<image>~original"
 *     --kill=before:3    SIGKILL before the third act
 *     --kill=after:NAME  SIGKILL after the first act whose name contains NAME
 */
import { parseArgs } from "node:util";

const { values: options } = parseArgs({
  args: Deno.args,
  options: { journal: { type: "string" }, kill: { type: "string", default: "" } },
});
const [moment, chosen = ""] = options.kill.split(":");
let count = 0;

/** Does an act that lasts, unless the process is to die before it. */
async function act<T>(name: string, perform: () => Promise<T>): Promise<T> {
  const number = ++count;
  const isChosen = /^\d*$/.test(chosen) ? number === Number(chosen) : name.includes(chosen);
  if (isChosen && moment === "before") Deno.kill(Deno.pid, "SIGKILL");
  const result = await perform();
  if (isChosen && moment === "after") Deno.kill(Deno.pid, "SIGKILL");
  // What failed (a rename into a folder that is still to be made) was no act.
  if (options.journal) Deno.writeTextFileSync(options.journal, `${number} ${name}\n`, APPEND);
  return result;
}

const APPEND = { append: true, create: true };

watchCommits();
watchFiles();

function watchCommits() {
  const { prototype } = Deno.AtomicOperation;
  const { set, delete: remove, commit } = prototype;
  const touched = new WeakMap<Deno.AtomicOperation, Set<string>>();
  const note = (operation: Deno.AtomicOperation, sign: string, [table]: Deno.KvKey) =>
    touched.set(operation, (touched.get(operation) ?? new Set()).add(`${sign}${String(table)}`));

  prototype.set = function (key, ...rest) {
    note(this, "+", key);
    return set.call(this, key, ...rest);
  };
  prototype.delete = function (key) {
    note(this, "-", key);
    return remove.call(this, key);
  };
  prototype.commit = function () {
    return act(`commit ${[...touched.get(this) ?? []].join(" ")}`, () => commit.call(this));
  };
}

function watchFiles() {
  const { rename, remove } = Deno;
  const { write } = Deno.FsFile.prototype;
  Deno.rename = (from, to) => act(`rename ${to}`, () => rename(from, to));
  // Files in tmp come and go, at each health check for one: nothing depends on them.
  Deno.remove = (path, options) =>
    String(path).includes("/storage/tmp/")
      ? remove(path, options)
      : act(`remove ${path}`, () => remove(path, options));
  Deno.FsFile.prototype.write = function (bytes) {
    return act(`write ${bytes.length} bytes`, () => write.call(this, bytes));
  };
}
