/* PyTorch's MKL takes its AVX-512 kernels on Intel processors only; elsewhere its products in double are two to four
   times slower than the processor allows. Loaded before PyTorch (LD_PRELOAD), this lets it use them on any processor
   that has AVX-512. compare.py builds and loads it where that helps, so that PyTorch is not held back. */
int mkl_serv_intel_cpu_true(void) { return 1; }
