import { z } from 'zod';

export const DIAGNOSES = [
  'cuda_out_of_memory',
  'tensors_on_different_devices',
  'torch_without_cuda',
  'invalid_device_ordinal',
  'no_cuda_device',
  'driver_too_old',
  'device_busy',
  'no_kernel_image',
  'device_side_assert',
  'illegal_memory_access',
  'ecc_error',
  'xid',
  'collective_timeout',
  'rendezvous_timeout',
  'nccl_failure',
  'peer_lost',
  'address_in_use',
  'shared_memory',
  'data_loader_killed',
  'host_out_of_memory',
  'disk_full',
  'module_missing',
  'library_missing',
  'file_missing',
  'program_missing',
  'cpp_exception',
  'segmentation_fault',
  'python_exception',
  'killed',
] as const;

export const DiagnosisSchema = z
  .object({
    class: z.enum(DIAGNOSES),
    line: z.string().meta({ description: 'The line of its output that shows it.' }),
    advice: z.string().meta({ description: 'What to do, for people.' }),
  })
  .meta({ id: 'Diagnosis', description: 'What went wrong, as far as its output tells.' });
export type Diagnosis = z.infer<typeof DiagnosisSchema>;
