/** Shares work on the same key: whoever asks while it is under way gets what comes of it. */
export function createFlights<T>() {
  const flights = new Map<string, Promise<T>>();
  return {
    async run(key: string, work: () => Promise<T>): Promise<T> {
      const known = flights.get(key);
      if (known) return await known;
      const flight = work();
      flights.set(key, flight);
      try {
        return await flight;
      } finally {
        flights.delete(key);
      }
    },
  };
}
