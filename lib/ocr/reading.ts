import type { Ocr } from "../model/image.ts";
import { Problem } from "../errors.ts";
import type { Engine, Word } from "./engine.ts";
import { guessLanguage } from "./language.ts";
import { countEdges, evenLight, strokes } from "./light.ts";
import { type Page, redraw, stretch } from "./page.ts";
import { skewOf } from "./skew.ts";
import * as reading from "./words.ts";

/** Lines lower than this (px) are enlarged, up to a height that Tesseract reads best. */
const SMALL_LINE = 18;
const GOOD_LINE = 28;
const MAX_FACTOR = 4;
/** What enlarging may cost, in pixels. */
const MAX_ENLARGED = 6_000_000;
/**
 * Tesseract's layout takes 0.1 s for 10,000 edges of strokes and 10 s for 60,000, which only noise
 * has: a photograph full of signs has 40,000.
 */
const MAX_EDGES = 50_000;
/** A line costs 10 to 50 ms; a wall of signs has 90, noise has 400. */
const MAX_SCENE_LINES = 100;
/** Lines that lean less than this (radians, 0.3°) are read as they are; more than 15° is no page. */
const LEAN = { least: 0.005, most: 0.26 };

/**
 * Reads the text of a JPEG (or 8-bit PNG) of any kind: first as a page, which is most of what has
 * text; where that gives nothing clear, as a scene, with words here and there. `languages` are those of
 * the engine. Throws `invalid_content` when the picture cannot be decoded.
 */
export function readPicture(engine: Engine, picture: Uint8Array, languages: string[]): Ocr {
  const raw = engine.decode(picture);
  if (!raw) throw new Problem("invalid_content", "Cannot decode the picture to read its text");
  const page = stretch(raw);
  return toOcr(page ? findWords(engine, page) : [], languages);
}

function findWords(engine: Engine, page: Page): Word[] {
  const asPage = readPage(engine, page);
  const share = reading.sureShare(asPage);
  if (share >= reading.DOCUMENT.surely) return reading.documentWords(asPage);
  const inScene = readScene(engine, page);
  const pageWins = reading.weight(asPage.filter(reading.isSure)) > reading.weight(inScene);
  if (!pageWins) return inScene;
  return share >= reading.DOCUMENT.maybe
    ? reading.documentWords(asPage)
    : reading.sceneWords(asPage);
}

/** Levels the light, then straightens and enlarges where the lines call for it. */
function readPage(engine: Engine, page: Page): Word[] {
  const even = stretch(evenLight(page));
  if (!even) return [];
  engine.show(even);
  const lines = engine.lines("page");
  const lean = lines ? lines.slope : skewOf(even);
  const angle = Math.abs(lean) > LEAN.least && Math.abs(lean) < LEAN.most ? lean : 0;
  const factor = lines ? enlargement(lines.height, even) : 1;
  if (angle !== 0 || factor > 1) engine.show(redraw(even, { angle, factor }));
  else if (!lines) return [];
  return engine.words("page");
}

function enlargement(lineHeight: number, { width, height }: Page): number {
  if (lineHeight >= SMALL_LINE) return 1;
  const room = Math.sqrt(MAX_ENLARGED / (width * height));
  return Math.max(1, Math.min(GOOD_LINE / lineHeight, MAX_FACTOR, room));
}

/**
 * Reads light letters on a dark ground and dark ones on a light ground, each for itself; where both
 * give nothing, once more turned so that what may be lines is level.
 */
function readScene(engine: Engine, page: Page): Word[] {
  const pages = drawable(page) ?? [];
  const readings = pages.map((strokes) => ({ strokes, words: readStrokes(engine, strokes) }));
  const [light, dark] = readings.map(({ words }) => words ?? []);
  const level = reading.merge(light ?? [], dark ?? []);
  if (level.length > 0) return level;
  const turned = readings.map(({ strokes, words }) => words ? readTurned(engine, strokes) : []);
  return turned.sort((one, other) => reading.weight(other) - reading.weight(one))[0] ?? [];
}

/** The words that are no chance; null when there are so many lines that it must be noise. */
function readStrokes(engine: Engine, strokes: Page): Word[] | null {
  engine.show(strokes);
  const lines = engine.lines("sparse");
  if (!lines) return [];
  return lines.count > MAX_SCENE_LINES ? null : reading.sceneWords(engine.words("sparse"));
}

function readTurned(engine: Engine, strokes: Page): Word[] {
  const angle = skewOf(strokes);
  return (angle !== 0 && readStrokes(engine, redraw(strokes, { angle }))) || [];
}

/** The light and the dark strokes, of half the size where grain would drown them; null for noise. */
function drawable(page: Page): Page[] | null {
  const calm = (pages: Page[]) => pages.every((strokes) => countEdges(strokes) <= MAX_EDGES);
  const draw = (page: Page) => [strokes(page, "light"), strokes(page, "dark")];
  const full = draw(page);
  if (calm(full)) return full;
  const half = draw(redraw(page, { factor: 0.5 }));
  return calm(half) ? half : null;
}

function toOcr(words: Word[], languages: string[]): Ocr {
  const text = reading.textOf(words);
  return {
    has_text: text !== "",
    text,
    language: guessLanguage(text, languages),
    confidence: reading.confidence(words),
  };
}
