/** Lets so many pieces of work run at once; the others wait in the order in which they came. */
export function createSlots(size: number) {
  const waiting: (() => void)[] = [];
  let free = size;
  return {
    async run<T>(work: () => Promise<T>): Promise<T> {
      if (free > 0) free--;
      else await new Promise<void>((resolve) => waiting.push(resolve));
      try {
        return await work();
      } finally {
        const next = waiting.shift();
        if (next) next();
        else free++;
      }
    },
  };
}

export type Slots = ReturnType<typeof createSlots>;
