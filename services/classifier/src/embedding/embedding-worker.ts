import { parentPort, workerData } from 'node:worker_threads';
import type { EmbeddingAnswer, EmbeddingRequest } from './encoder-thread.js';
import { loadSentenceEncoder, type SentenceEncoderOptions } from './sentence-encoder.js';

const encode = await loadSentenceEncoder(workerData as SentenceEncoderOptions);
// The first pass allocates onnxruntime's arenas; a user's request should not pay for that.
const { vector } = await encode('warm up');
const answer = (message: EmbeddingAnswer, transferred: ArrayBuffer[] = []) =>
  parentPort?.postMessage(message, transferred);

parentPort?.on('message', ({ id, text }: EmbeddingRequest) => {
  encode(text).then(
    (embedding) => answer({ id, embedding }, [embedding.vector.buffer as ArrayBuffer]),
    (error: unknown) => answer({ id, error: String(error) }),
  );
});
answer({ dimensions: vector.length });
