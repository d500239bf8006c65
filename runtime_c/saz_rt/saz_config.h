/* saz_config.h - how this tree was made; saz instrument writes it. */
#ifndef SAZ_VERIFY
#define SAZ_VERIFY 0            /* 1: --verify; saz_verify.c watches the marks */
#endif
