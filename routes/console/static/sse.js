/** @typedef {{ id: string, type: string, data: string }} StreamEvent */

/**
 * Reads Server-Sent Events, whose chunks may break anywhere (HTML Standard, "Server-sent events").
 * @param {AsyncIterable<string>} chunks
 * @returns {AsyncGenerator<StreamEvent>}
 */
export async function* readEvents(chunks) {
  let rest = "";
  for await (const chunk of chunks) {
    const blocks = (rest + chunk).split("\n\n");
    rest = blocks.pop() ?? "";
    for (const block of blocks) {
      const event = readBlock(block);
      if (event.data) yield event;
    }
  }
}

/** @param {string} block */
function readBlock(block) {
  const event = { id: "", type: "message", data: "" };
  for (const line of block.split("\n")) {
    const [, field, value] = /^(id|event|data): ?(.*)$/.exec(line) ?? [];
    if (field === "id") event.id = value ?? "";
    else if (field === "event") event.type = value ?? "";
    else if (field === "data") event.data += (event.data && "\n") + value;
  }
  return event;
}
