/** A binary heap of events by time, those of one time in the order they were added. */
export class EventQueue {
  #heap = [];
  #added = 0;

  get length() {
    return this.#heap.length;
  }

  get nextAt() {
    return this.#heap[0]?.at ?? Number.POSITIVE_INFINITY;
  }

  add(at, event) {
    const heap = this.#heap;
    const item = { at, order: this.#added++, event };
    let place = heap.length;
    heap.push(item);
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (!before(item, heap[parent])) break;
      heap[place] = heap[parent];
      place = parent;
    }
    heap[place] = item;
  }

  take() {
    const heap = this.#heap;
    const [first] = heap;
    const last = heap.pop();
    if (heap.length === 0) return first;
    let place = 0;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1], heap[child])) child++;
      if (!before(heap[child], last)) break;
      heap[place] = heap[child];
      place = child;
    }
    heap[place] = last;
    return first;
  }
}

const before = (a, b) => a.at < b.at || (a.at === b.at && a.order < b.order);
