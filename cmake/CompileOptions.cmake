# What our own targets are compiled with: `target_link_libraries(x PRIVATE tidemark_options)`.
add_library(tidemark_options INTERFACE)
target_include_directories(tidemark_options INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_options(tidemark_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion
                                                  -Wnon-virtual-dtor -Woverloaded-virtual -Werror)
# g++ 12 warns of overlapping copies that cannot happen (GCC bug 105651).
target_compile_options(tidemark_options INTERFACE
  $<$<AND:$<CXX_COMPILER_ID:GNU>,$<VERSION_LESS:$<CXX_COMPILER_VERSION>,13>>:-Wno-restrict>)
if(TIDEMARK_SANITIZE)
  # Instrumented code of the standard library makes g++ warn of values that are always set.
  target_compile_options(tidemark_options INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
  add_compile_options(-fsanitize=${TIDEMARK_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${TIDEMARK_SANITIZE})
endif()
if(TIDEMARK_SANITIZE MATCHES "thread")
  # In every program, where the calls of librdkafka find it: the linker exports what a library it links with lacks.
  add_library(tidemark_c11_threads OBJECT ${PROJECT_SOURCE_DIR}/tests/tsan/c11_threads.cc)
  link_libraries($<$<STREQUAL:$<TARGET_PROPERTY:TYPE>,EXECUTABLE>:$<TARGET_OBJECTS:tidemark_c11_threads>>)
endif()

# The oldest x86 that is supported has POPCNT and SSE4.2 (every server since 2009). simdjson chooses its kernel at run
# time, so newer instructions gain little beyond that.
set(TIDEMARK_MARCH "x86-64-v2" CACHE STRING "-march for x86-64; empty: the compiler's default")
if(TIDEMARK_MARCH AND CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
  target_compile_options(tidemark_options INTERFACE -march=${TIDEMARK_MARCH})
endif()

# g++ clears structs of some hundred bytes with `rep stos`, which takes longer to get going than to do it by itself.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
  target_compile_options(tidemark_options INTERFACE
    -mmemset-strategy=unrolled_loop:1024:noalign,libcall:-1:noalign
    -mmemcpy-strategy=unrolled_loop:256:noalign,libcall:-1:noalign)
endif()
