/** A frame beyond this is no camera's. */
export const MAX_FRAME_BYTES = 8 * 1024 * 1024;

export type SourceOptions = {
  /** Pictures a second that are wanted; a source may send more. */
  fps: number;
  signal: AbortSignal;
};

/**
 * The pictures of a camera, as JPEG, as they come. Ends when the camera ends, throws when it fails;
 * when the signal aborts, it does either soon, and nothing of it is left.
 */
export type Source = (url: string, options: SourceOptions) => AsyncGenerator<Uint8Array>;
