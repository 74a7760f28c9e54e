import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import createCore from "tesseract.js-core";
import type { Page } from "./page.ts";

/** How Tesseract looks for text: a laid-out page, or words anywhere (its page segmentation mode). */
export const LAYOUT = { page: "3", sparse: "11" } as const;
export type Layout = keyof typeof LAYOUT;

/** One word: where it stands in the layout, and how sure Tesseract is of it, 0 to 100. */
export type Word = {
  block: number;
  paragraph: number;
  line: number;
  left: number;
  top: number;
  width: number;
  height: number;
  confidence: number;
  text: string;
};

/** Lines of text: how many, how much they lean in radians (up to the right), median height in px. */
export type Lines = { count: number; slope: number; height: number };

/** What Imago uses of tesseract.js-core, which ships without types. */
type Core = {
  FS: { writeFile(path: string, data: Uint8Array): void };
  TessBaseAPI: new () => TessBaseApi;
  Pix: unknown;
  getPointer(object: unknown): number;
  destroy(object: unknown): void;
  wrapPointer(pointer: number, type: unknown): Pix;
  _malloc(size: number): number;
  _free(pointer: number): void;
  _pixReadMem(pointer: number, size: number): number;
  _pixDestroy(pointerToPointer: number): void;
};
type Pix = {
  get_w(): number;
  get_h(): number;
  get_d(): number;
  get_wpl(): number;
  get_data(): number;
};
type TessBaseApi = {
  Init(dataPath: null, languages: string, mode: number): number;
  SetVariable(name: string, value: string): void;
  SetImage(
    data: number,
    width: number,
    height: number,
    bytesPerPixel: number,
    stride: number,
  ): void;
  FindLines(): number;
  AnalyseLayout(): PageIterator;
  GetGradient(): number;
  Recognize(monitor: null): number;
  GetTSVText(page: number): string;
  Clear(): void;
};

type PageIterator = {
  Next(level: number): boolean;
  /** Writes int32s to the addresses. */
  BoundingBox(level: number, left: number, top: number, right: number, bottom: number): void;
};

const LSTM_ONLY = 1;
const TEXT_LINE = 2;

export type Engine = Awaited<ReturnType<typeof createEngine>>;

/**
 * Tesseract as WebAssembly in this process, without threads, network or writing. `data` has the
 * path of each language's gzipped model. One page at a time: `show` it, then ask.
 */
export async function createEngine(data: Record<string, string>) {
  const { core, memory } = await loadCore();
  const api = new core.TessBaseAPI();
  for (const [language, path] of Object.entries(data)) {
    core.FS.writeFile(`${language}.traineddata`, gunzipSync(readFileSync(path)));
  }
  if (api.Init(null, Object.keys(data).join("+"), LSTM_ONLY) !== 0) {
    throw new Error(`Cannot start Tesseract with ${Object.keys(data).join("+")}`);
  }

  /** Runs `use` with the address of a copy of the bytes in the engine's memory. */
  function lend<T>(bytes: Uint8Array, use: (pointer: number) => T): T {
    const pointer = core._malloc(bytes.length);
    new Uint8Array(memory.buffer, pointer, bytes.length).set(bytes);
    try {
      return use(pointer);
    } finally {
      core._free(pointer);
    }
  }

  /** Decodes a JPEG or PNG; null when it is neither, or broken. */
  function decode(picture: Uint8Array): Page | null {
    const pointer = lend(picture, (address) => core._pixReadMem(address, picture.length));
    if (pointer === 0) return null;
    try {
      return toGrey(core.wrapPointer(pointer, core.Pix), memory);
    } finally {
      lend(new Uint8Array(Uint32Array.of(pointer).buffer), core._pixDestroy);
    }
  }

  function show({ width, height, grey }: Page): void {
    api.Clear();
    lend(grey, (address) => api.SetImage(address, width, height, 1, width));
  }

  /** The lines of text that the shown page seems to have; null when it has none. */
  function lines(layout: Layout): Lines | null {
    api.SetVariable("tessedit_pageseg_mode", LAYOUT[layout]);
    if (api.FindLines() !== 0) return null;
    const iterator = api.AnalyseLayout();
    if (core.getPointer(iterator) === 0) return null;
    const heights: number[] = [];
    do heights.push(lineHeight(iterator)); while (iterator.Next(TEXT_LINE));
    core.destroy(iterator);
    heights.sort((one, other) => one - other);
    return {
      count: heights.length,
      slope: api.GetGradient(),
      height: heights[heights.length >> 1]!,
    };
  }

  function lineHeight(iterator: PageIterator): number {
    return lend(new Uint8Array(16), (box) => {
      iterator.BoundingBox(TEXT_LINE, box, box + 4, box + 8, box + 12);
      const [, top = 0, , bottom = 0] = new Int32Array(memory.buffer, box, 4);
      return bottom - top;
    });
  }

  /** The words of the shown page, in reading order; the layout of `lines` is used again. */
  function words(layout: Layout): Word[] {
    api.SetVariable("tessedit_pageseg_mode", LAYOUT[layout]);
    return api.Recognize(null) === 0 ? parseTsv(api.GetTSVText(0)) : [];
  }

  return { decode, show, lines, words };
}

/** Loads the core and keeps a hand on its memory, which it does not export by name. */
async function loadCore(): Promise<{ core: Core; memory: WebAssembly.Memory }> {
  const url = import.meta.resolve("tesseract.js-core").replace(/\.js$/, ".wasm");
  const module = await WebAssembly.compile(readFileSync(new URL(url)));
  const memories: WebAssembly.Memory[] = [];
  const core: Core = await createCore({
    instantiateWasm(imports: WebAssembly.Imports, done: (instance: WebAssembly.Instance) => void) {
      const instance = new WebAssembly.Instance(module, imports);
      memories.push(
        ...Object.values(instance.exports).filter((it) => it instanceof WebAssembly.Memory),
      );
      done(instance);
    },
    TesseractProgress() {},
    print() {},
    printErr() {},
  });
  return { core, memory: memories[0]! };
}

/** Leptonica keeps pixels in 32-bit words, the first in the highest bits: one RGBA, or four greys. */
function toGrey(pix: Pix, memory: WebAssembly.Memory): Page | null {
  const [width, height, stride] = [pix.get_w(), pix.get_h(), pix.get_wpl()];
  const words = new Uint32Array(memory.buffer, pix.get_data(), height * stride);
  const greyAt = GREY_AT[pix.get_d()];
  if (!greyAt) return null;
  const grey = new Uint8Array(width * height);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at++) grey[at] = greyAt(words, y * stride, x);
  }
  return { width, height, grey };
}

/** By bits per pixel. Colours become luma (ITU-R BT.601). */
const GREY_AT: Record<number, (words: Uint32Array, row: number, x: number) => number> = {
  8: (words, row, x) => words[row + (x >> 2)]! >>> (24 - 8 * (x & 3)),
  32: (words, row, x) => {
    const rgba = words[row + x]!;
    return 0.299 * (rgba >>> 24) + 0.587 * (rgba >>> 16 & 255) + 0.114 * (rgba >>> 8 & 255) + 0.5;
  },
};

/** Tesseract's columns: level page block paragraph line word left top width height conf text. */
function parseTsv(tsv: string): Word[] {
  const WORD = 5;
  return tsv.split("\n").map((row) => row.split("\t")).filter(([level]) => Number(level) === WORD)
    .map(([, , ...columns]) => {
      const text = columns.pop()?.trim() ?? "";
      const [block, paragraph, line, , left, top, width, height, confidence] = columns.map(Number);
      return { block, paragraph, line, left, top, width, height, confidence, text } as Word;
    }).filter(({ text }) => text !== "");
}
