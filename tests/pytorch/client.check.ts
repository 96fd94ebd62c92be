/** The Python client with PyTorch, and other ways to read a set; run by scripts/check-pytorch.mjs, which has the packages. */
import 'reflect-metadata';
import { pythonTests } from '../support/python-tests.js';

const python = process.env.TEDDYHUB_PYTORCH_PYTHON;
if (python === undefined) throw new Error('Run this by: npm run check:pytorch');

pythonTests('the Python client, with PyTorch', 'clients/python/tests/with_torch', python);
