/** The next number of which the half is a whole one, that people read easily: 2, 4, 10, 20, 50 … */
export function roundUp(n: number): number {
  const size = 10 ** Math.floor(Math.log10(n));
  const steps = [1, 2, 4, 5, 6, 8, 10].map((step) => step * size);
  return steps.find((step) => step >= n && step % 2 === 0) ?? 10 * size;
}
