/* A library, but not a provider: it exports something else. */
extern const int something_else;
__attribute__((visibility("default"))) const int something_else = 1;
