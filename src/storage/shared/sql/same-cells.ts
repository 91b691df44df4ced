/** Whether two rows hold the same, cell by cell. What is neither a primitive nor bytes is never the same. */
export function hasSameCells(row: readonly unknown[], other: readonly unknown[]): boolean {
  if (row.length !== other.length) return false;
  for (let index = 0; index < row.length; index++) {
    const [cell, otherCell] = [row[index], other[index]];
    if (cell === otherCell) continue;
    if (!(cell instanceof Uint8Array && otherCell instanceof Uint8Array) || Buffer.compare(cell, otherCell) !== 0)
      return false;
  }
  return true;
}
