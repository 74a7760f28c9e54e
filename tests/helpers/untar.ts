/** The files of an archive by their names, as tar(1) unpacks them. Throws what it complains of. */
export async function untar(archive: ReadableStream<Uint8Array<ArrayBuffer>>) {
  const folder = await Deno.makeTempDir({ prefix: "imago-untar-" });
  try {
    const tar = new Deno.Command("tar", {
      args: ["-x", "-C", folder],
      stdin: "piped",
      stderr: "piped",
    }).spawn();
    const [{ success, stderr }] = await Promise.all([tar.output(), archive.pipeTo(tar.stdin)]);
    if (!success) throw new Error(new TextDecoder().decode(stderr));
    const files = new Map<string, Uint8Array>();
    for await (const name of filesIn(folder, "")) {
      files.set(name, await Deno.readFile(`${folder}/${name}`));
    }
    return files;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function* filesIn(root: string, folder: string): AsyncGenerator<string> {
  for await (const { name, isFile } of Deno.readDir(`${root}/${folder}`)) {
    if (isFile) yield `${folder}${name}`;
    else yield* filesIn(root, `${folder}${name}/`);
  }
}
