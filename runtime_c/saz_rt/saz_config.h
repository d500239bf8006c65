/* saz_config.h - how this tree was made; saz instrument writes it. */
#ifndef SAZ_VERIFY
#define SAZ_VERIFY 0            /* 1: --verify; saz_verify.c watches the marks */
#endif
#define SAZ_MARK_WORDS 0        /* of eight bytes, in saz_updated; 0: saz_program knows */
