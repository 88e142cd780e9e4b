# Writes build.cpp: version, commit, and a hash over the sources named in LIST (paths below SOURCE).
file(STRINGS ${LIST} sources)
set(all "")
foreach(source ${sources})
  file(SHA256 ${SOURCE}/${source} hash)
  string(APPEND all "${source} ${hash}\n")
endforeach()
string(SHA256 fingerprint "${all}")
string(SUBSTRING ${fingerprint} 0 12 fingerprint)
execute_process(COMMAND git -C ${SOURCE} rev-parse --short=12 HEAD
  OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
if(NOT commit)
  set(commit "nocommit")
endif()
set(PROJECT_VERSION ${VERSION})
set(SLUICE_BUILD_ID "${commit}-${fingerprint}")
configure_file(${SOURCE}/core/build.cpp.in ${OUT} @ONLY)
# configure_file leaves an unchanged file alone; the rule must still be satisfied.
file(TOUCH ${OUT})
