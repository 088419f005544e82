import { describe, expect, it } from 'vitest';
import { type Observation, readLine, readReport } from './formats.js';

const print = (fields: Partial<Observation>): Observation => ({ source: 'print', metrics: {}, ...fields });
const bar = (fields: Partial<Observation>): Observation => ({ source: 'bar', metrics: {}, ...fields });

describe('a line of a training loop', () => {
  it.each<[string, string, Observation]>([
    [
      'tutorials',
      'Epoch [100/20000], Loss: 0.0312',
      print({ epoch: 100, epochs: 20000, metrics: { loss: 0.0312 } }),
    ],
    ['tutorials', 'Epoch 3, Loss: 1.5e-3', print({ epoch: 3, metrics: { loss: 0.0015 } })],
    [
      'tutorials',
      '[Epoch 1/10] Step 100, Loss: 2.30',
      print({ epoch: 1, epochs: 10, step: 100, metrics: { loss: 2.3 } }),
    ],
    [
      'tutorials',
      'Epoch [2/5], Step [300/600], Loss: 0.1234',
      print({ epoch: 2, epochs: 5, step: 300, steps: 600, metrics: { loss: 0.1234 } }),
    ],
    ['tutorials', 'Step [200/5000], Loss: 0.8', print({ step: 200, steps: 5000, metrics: { loss: 0.8 } })],
    [
      'tutorials',
      'Epoch: 4 | Train Loss: 0.52 | Val Loss: 0.61 | Val Acc: 81.2',
      print({ epoch: 4, metrics: { train_loss: 0.52, val_loss: 0.61, val_acc: 81.2 } }),
    ],
    [
      'PyTorch examples',
      'Train Epoch: 1 [640/60000 (1%)]\tLoss: 1.797',
      print({ epoch: 1, step: 640, steps: 60000, metrics: { loss: 1.797 } }),
    ],
    [
      'nanoGPT',
      'step 200: train loss 3.5688, val loss 3.5900',
      print({ step: 200, metrics: { train_loss: 3.5688, val_loss: 3.59 } }),
    ],
    [
      'nanoGPT',
      'iter 10: loss 3.2417, time 112.05ms, mfu 1.20%',
      print({ step: 10, metrics: { loss: 3.2417 } }),
    ],
    [
      'whoever leaves the comma out',
      'Epoch 3/10 loss: 0.5 val_loss: 0.75',
      print({ epoch: 3, epochs: 10, metrics: { loss: 0.5, val_loss: 0.75 } }),
    ],
    [
      'whoever leaves the comma out',
      'INFO:root:epoch 12 step 340/5000 loss=1.25 lr=3e-4',
      print({ epoch: 12, step: 340, steps: 5000, metrics: { loss: 1.25, lr: 3e-4 } }),
    ],
    ['Keras', 'Epoch 1/5', print({ epoch: 1, epochs: 5 })],
    ['a loss that is none', 'Epoch 7, Loss: nan', print({ epoch: 7, metrics: { loss: Number.NaN } })],
    [
      'tqdm',
      ' 45%|████▌     | 450/1000 [00:12<00:15, 36.2it/s, loss=0.123]',
      bar({ step: 450, steps: 1000, etaSeconds: 15, metrics: { loss: 0.123 } }),
    ],
    [
      'tqdm with a name',
      'Epoch 2/3:  10%|█         | 10/100 [00:01<01:09,  1.30it/s]',
      bar({ epoch: 2, epochs: 3, step: 10, steps: 100, etaSeconds: 69 }),
    ],
    [
      'tqdm, large',
      'train: 12%|█▏        | 1.20k/10.0k [1:00:00<7:20:01, 0.33it/s]',
      bar({ step: 1200, steps: 10000, etaSeconds: 26401 }),
    ],
    ['tqdm, no idea', '  0%|          | 0/938 [00:00<?, ?it/s]', bar({ step: 0, steps: 938 })],
    [
      'Lightning',
      'Epoch 0: 100%|██████████| 938/938 [00:08<00:00, 111.63it/s, v_num=3, train_loss=0.301]',
      bar({ epoch: 0, step: 938, steps: 938, etaSeconds: 0, metrics: { train_loss: 0.301 } }),
    ],
    [
      'Lightning 2',
      'Epoch 3:  50%|█████     | 469/938 [00:04<00:04, 111.63it/s, v_num=3, train_loss_step=0.301, train_loss_epoch=0.4]',
      bar({
        epoch: 3,
        step: 469,
        steps: 938,
        etaSeconds: 4,
        metrics: { train_loss_step: 0.301, train_loss_epoch: 0.4 },
      }),
    ],
    [
      'Hugging Face, from its bar',
      '  5%|▌         | 500/10000 [01:20<25:13,  6.28it/s]',
      bar({ step: 500, steps: 10000, etaSeconds: 1513 }),
    ],
    [
      'Keras 2',
      '938/938 [==============================] - 3s 3ms/step - loss: 0.3001 - accuracy: 0.9130',
      bar({ step: 938, steps: 938, metrics: { loss: 0.3001, accuracy: 0.913 } }),
    ],
    [
      'Keras 2, under way',
      '120/938 [==>...........................] - ETA: 5s - loss: 0.9',
      bar({ step: 120, steps: 938, etaSeconds: 5, metrics: { loss: 0.9 } }),
    ],
    [
      'Keras 3',
      '\u001b[1m938/938\u001b[0m \u001b[32m━━━━━━━━━━━━━━━━━━━━\u001b[0m\u001b[37m\u001b[0m \u001b[1m3s\u001b[0m 3ms/step - accuracy: 0.91 - loss: 0.30',
      bar({ step: 938, steps: 938, metrics: { accuracy: 0.91, loss: 0.3 } }),
    ],
    [
      'Hugging Face',
      "{'loss': 2.4, 'grad_norm': 1.2, 'learning_rate': 5e-05, 'epoch': 0.08}",
      { source: 'dictionary', epoch: 0.08, metrics: { loss: 2.4, grad_norm: 1.2, learning_rate: 5e-5 } },
    ],
    [
      'Hugging Face 5',
      "{'loss': '2.4', 'learning_rate': '5e-05', 'epoch': '0.08'}",
      { source: 'dictionary', epoch: 0.08, metrics: { loss: 2.4, learning_rate: 5e-5 } },
    ],
    [
      'JSON',
      '{"step": 10, "loss": 0.5, "lr": 0.1}',
      { source: 'json', step: 10, metrics: { loss: 0.5, lr: 0.1 } },
    ],
    [
      'JSON of Python',
      '{"step": 11, "loss": NaN}',
      { source: 'json', step: 11, metrics: { loss: Number.NaN } },
    ],
  ])('as of %s is read: %s', (_, line, expected) => {
    expect(readLine(line)).toEqual(expected);
  });

  it.each([
    '',
    'loss: 0.5',
    'Downloading: model 45%',
    'Sanity Checking DataLoader 0:   0%|          | 0/2 [00:00<?, ?it/s]',
    'Validation DataLoader 0: 100%|██████████| 10/10 [00:00<00:00, 512.3it/s]',
    'Map (num_proc=4): 100%|██████████| 5000/5000 [00:02<00:00, 2401.22 examples/s]',
    'Loading checkpoint shards: 100%|██████████| 2/2 [00:03<00:00,  1.61s/it]',
    'model.safetensors: downloading: 45%|████▌     | 450M/1.00G [00:12<00:15, 36.2MB/s]',
    'Loading checkpoint shards: done',
    'listening on 127.0.0.1:8080',
    'Epoch finished',
    'GPU memory: 3/80 GiB',
    '2026-11-21 09:00:00 INFO step back: 5',
    'ratio 3/4 of the data',
    '{"message": "hello"}',
    '{not json, loss: 3}',
    "{'config': {'lr': 0.1}}",
    'x'.repeat(5000),
    `epoch 1 ${'loss: '.repeat(600)}`,
  ])('that is none says nothing: %.40s', (line) => {
    expect(readLine(line)).toBeNull();
  });

  it('is read quickly, whatever it is', () => {
    for (const line of [
      `${'epoch 1 '.repeat(500)}`,
      `${'a '.repeat(2000)}: 1`,
      `${'9'.repeat(4000)}`,
      `{'${'a'.repeat(4000)}`,
    ]) {
      const before = process.cpuUsage().user;
      readLine(line);
      // Quadratic is a millisecond or two, exponential never ends.
      expect(process.cpuUsage().user - before).toBeLessThan(500_000);
    }
  });
});

describe('a report', () => {
  it('is JSON of figures, one level deep; where it is in the training is told apart', () => {
    expect(readReport('{"at": 1, "step": 5, "total": 10, "loss": 0.5, "torch": {"allocated": 7}}')).toEqual({
      source: 'report',
      step: 5,
      steps: 10,
      metrics: { loss: 0.5, 'torch.allocated': 7 },
    });
    expect(readReport('half a li')).toBeNull();
    expect(readReport('[1]')).toBeNull();
  });
});
