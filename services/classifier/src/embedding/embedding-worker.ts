import { workerData } from 'piscina';
import { loadSentenceEncoder, type SentenceEncoderOptions } from './sentence-encoder.js';

const encode = await loadSentenceEncoder(workerData as SentenceEncoderOptions);
// The first pass allocates onnxruntime's arenas; a user's request should not pay for that.
await encode('warm up');

export default encode;
