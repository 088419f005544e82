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
    ['Keras without an end', 'Epoch 4', print({ epoch: 4 })],
    [
      'PyTorch’s quickstart',
      'loss: 2.303521  [   64/60000]',
      print({ step: 64, steps: 60000, metrics: { loss: 2.303521 } }),
    ],
    [
      'PyTorch’s classifier tutorial',
      '[1,  2000] loss: 2.218',
      print({ epoch: 1, step: 2000, metrics: { loss: 2.218 } }),
    ],
    [
      'PyTorch’s DCGAN tutorial',
      '[0/5][50/1583]\tLoss_D: 0.5510\tLoss_G: 9.1\tD(x): 0.8 / 0.2',
      print({ epoch: 0, epochs: 5, step: 50, steps: 1583, metrics: { loss_d: 0.551, loss_g: 9.1 } }),
    ],
    [
      'PyTorch’s ImageNet example',
      'Epoch: [0][ 100/5005]\tTime  0.1 ( 0.2)\tData  0.0 ( 0.1)\tLoss 6.9e+00 (7.0e+00)\tAcc@1   0.39 (  0.1)',
      print({ epoch: 0, step: 100, steps: 5005, metrics: { loss: 6.9, 'acc@1': 0.39 } }),
    ],
    [
      'PyTorch’s ImageNet example, validating',
      'Test: [ 10/196]\tTime  0.1 ( 0.2)\tLoss 6.9e+00 (7.0e+00)',
      print({ metrics: { val_loss: 6.9 } }),
    ],
    [
      'PyTorch’s language model',
      '| epoch   1 |   200/ 2928 batches | lr 20.00 | ms/batch 12.8 | loss  7.69 | ppl 2185.1',
      print({ epoch: 1, step: 200, steps: 2928, metrics: { lr: 20, loss: 7.69, ppl: 2185.1 } }),
    ],
    [
      'PyTorch’s language model, at the end of an epoch',
      '| end of epoch   1 | time:  5.00s | valid loss  5.42 | valid ppl   225.9',
      print({ epoch: 1, metrics: { valid_loss: 5.42, valid_ppl: 225.9 } }),
    ],
    ['whoever writes `=`', 'epoch=3 loss=0.4', print({ epoch: 3, metrics: { loss: 0.4 } })],
    ['whoever writes `=`', 'step=100 loss=0.5', print({ step: 100, metrics: { loss: 0.5 } })],
    [
      'whoever says it the other way round',
      'Loss after epoch 3: 0.25',
      print({ epoch: 3, metrics: { loss: 0.25 } }),
    ],
    [
      'whoever says it the other way round',
      'Average loss at epoch 3/10, step 5 is 0.25',
      print({ epoch: 3, epochs: 10, step: 5, metrics: { average_loss: 0.25 } }),
    ],
    ['a validation', 'Val Epoch: 3 Loss: 0.5', print({ epoch: 3, metrics: { val_loss: 0.5 } })],
    [
      'a validation',
      'Epoch 3/10 [val] loss: 0.4',
      print({ epoch: 3, epochs: 10, metrics: { val_loss: 0.4 } }),
    ],
    [
      'a validation, whose steps are not those of the training',
      'Epoch 1/3 Validation step 0/5, Loss: 9',
      print({ epoch: 1, epochs: 3, metrics: { val_loss: 9 } }),
    ],
    ['a validation, told last', 'Epoch 3 loss: 0.4 (test)', print({ epoch: 3, metrics: { val_loss: 0.4 } })],
    [
      'both in a line',
      'Epoch 3 step 5/9 train: loss 0.4, acc: 0.8; val: loss 0.5, acc: 0.7',
      print({ epoch: 3, step: 5, steps: 9, metrics: { loss: 0.4, acc: 0.8, val_loss: 0.5, val_acc: 0.7 } }),
    ],
    [
      'a program whose path says otherwise',
      '/data/test/val.py:12 epoch 3 loss: 0.4',
      print({ epoch: 3, metrics: { loss: 0.4 } }),
    ],
    [
      'figures with units, whose names say nothing of others',
      'Epoch: 5, Training Loss: 0.3, Validation Loss: 0.4, Validation Accuracy: 90.1%, Loss: 0.7',
      print({ epoch: 5, metrics: { training_loss: 0.3, validation_loss: 0.4, loss: 0.7 } }),
    ],
    [
      'a remark about something else',
      'Epoch 3: loss=0.5, validation every 5 steps',
      print({ epoch: 3, metrics: { loss: 0.5 } }),
    ],
    ['what is best so far', 'Epoch 3 loss: 0.4 (best, saved)', print({ epoch: 3, metrics: { loss: 0.4 } })],
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
    'epochs: 50, batch_size: 32, lr: 0.1',
    'steps: 50, loss_weight: 0.1',
    'max epoch: 50, lr: 0.1',
    'Config: epoch=50, lr=0.1',
    'Running with batch 32, lr: 0.1',
    'Best epoch: 7, loss: 0.1',
    'Loaded checkpoint (epoch 45), loss: 0.2',
    '2026-11-21 09:00 | INFO | Loaded checkpoint (epoch 45), loss: 0.2',
    'Resuming from step 300/1000, loss: 0.2',
    "Epoch 3, global step 30: saving model to '/x/epoch=3-loss=0.25.ckpt'",
    'Epoch 3 Loss: 0,123',
    'Step 1,000 Loss: 0.5',
    'loss: 0.5 and [3/4] more',
    'gpu [3/4] loss: 0.5',
    '[3, 4] is a list',
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
