# Flags of everything built here. Speed must not depend on a user's flags, so nothing is tuned for
# the build machine: the kernels choose their instructions at run time.
function(cornu_compile_options target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wshadow -Wconversion
                         -Wno-sign-conversion -fno-math-errno -ffp-contract=off)
  if(CORNU_WERROR)
    target_compile_options(${target} PRIVATE -Werror)
  endif()
  if(CORNU_SANITIZE)
    target_compile_options(${target} PRIVATE -fsanitize=${CORNU_SANITIZE} -fno-omit-frame-pointer
                           -fno-sanitize-recover=all)
    target_link_options(${target} PUBLIC -fsanitize=${CORNU_SANITIZE})
  endif()
  if(CORNU_FUZZ)
    target_compile_options(${target} PRIVATE -fsanitize=fuzzer-no-link)
  endif()
endfunction()
