/* An assertion with a name that the checker's output shows: CLAIM_NAME(x) once, CLAIM(x, condition) where it must
   hold. The name is a variable that stays false. */
#define CLAIM_NAME(name) bool name
#define CLAIM(name, condition) assert((condition) || name)
