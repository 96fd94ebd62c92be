import 'reflect-metadata';
import { pythonTests } from '../support/python-tests.js';

pythonTests('the Python client, with NumPy and requests alone', 'clients/python/tests/with_numpy');
