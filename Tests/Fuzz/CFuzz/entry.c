// The plain program's beginning. A build with --sanitize=fuzzer brings libFuzzer's own main, which is the stronger one.

extern int polymath_fuzz_main(int count, char **arguments);

__attribute__((weak)) int main(int count, char **arguments) { return polymath_fuzz_main(count, arguments); }
