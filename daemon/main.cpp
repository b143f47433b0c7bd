// Command line to command, nothing else.
int main() { return 0; }
