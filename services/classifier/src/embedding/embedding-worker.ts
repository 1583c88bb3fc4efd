import { parentPort, workerData } from 'node:worker_threads';
import type { EmbeddingAnswer, EmbeddingRequest, EncoderThreadOptions } from './encoder-thread.js';
import { loadSentenceEncoder } from './sentence-encoder.js';
import { lowerThreadPriority } from './thread-priority.js';

const { background, ...options } = workerData as EncoderThreadOptions;
if (background) lowerThreadPriority();
const encode = await loadSentenceEncoder(options);
// The first pass allocates onnxruntime's arenas; a user's request should not pay for that.
const { vector } = await encode('warm up');
const answer = (message: EmbeddingAnswer, transferred: ArrayBuffer[] = []) =>
  parentPort?.postMessage(message, transferred);

parentPort?.on('message', ({ id, text }: EmbeddingRequest) => {
  encode(text).then(
    (embedding) => {
      const { vector, sentence } = embedding;
      answer({ id, embedding }, [vector.buffer as ArrayBuffer, sentence.buffer as ArrayBuffer]);
    },
    (error: unknown) => answer({ id, error: String(error) }),
  );
});
answer({ dimensions: vector.length });
