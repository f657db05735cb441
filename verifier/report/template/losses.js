// The losses of a row: inflated, with the others of its block, when somebody first wants to see them.

class Losses {
  // `epochs` are those of each row; see `loss_blocks.py` for what a block holds.
  constructor(layout, epochs) {
    this.points = layout.points;
    this.starts = [0];
    for (const rows of layout.rows) this.starts.push(this.starts.at(-1) + rows);
    this.epochs = epochs;
    this.inflated = new Map();
  }

  // Epochs with their training and validation losses; null for a row without any.
  async of(row) {
    if (!(row < this.starts.at(-1)) || this.epochs[row] === 0) return null;
    const block = this.starts.findLastIndex((start) => start <= row);
    if (!this.inflated.has(block)) this.inflated.set(block, inflate(block));
    const numbers = await this.inflated.get(block);
    let at = 0;
    for (let before = this.starts[block]; before < row; before += 1) at += 2 * this.kept(before).length;
    const epochs = this.kept(row);
    const half = at + epochs.length;
    return { epochs, train: [...numbers.subarray(at, half)], validation: [...numbers.subarray(half, half + epochs.length)] };
  }

  // The epochs that are kept of a row: the first one, every so many from there on, and the last one.
  kept(row) {
    const count = this.epochs[row];
    const step = Math.max(1, Math.ceil(count / this.points));
    const epochs = [];
    for (let epoch = 1; epoch <= count; epoch += step) epochs.push(epoch);
    if (count > 0 && epochs.at(-1) !== count) epochs.push(count);
    return epochs;
  }
}

let blocks = null;

// A block as numbers: the planes of their first, second and third bytes.
async function inflate(block) {
  blocks ??= JSON.parse(byId("losses").textContent);
  const text = atob(blocks[block]);
  const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  const planes = new Uint8Array(await new Response(stream).arrayBuffer());
  const count = planes.length / 3;
  const bits = new Uint32Array(count);
  for (let at = 0; at < count; at += 1) {
    const upper = (planes[at] << 24) | (planes[at + count] << 16) | (planes[at + 2 * count] << 8);
    bits[at] = upper ? upper | 0x800 : 0; // the middle of what has these upper 20 bits
  }
  return new Float32Array(bits.buffer);
}
