# What cornu::codegen prints for many models is compiled into its test. Included, since a target's
# generated sources belong to its folder.
add_executable(print_models codegen/print_models.cc codegen/models.cc)
cornu_compile_options(print_models)
target_include_directories(print_models PRIVATE ${PROJECT_SOURCE_DIR})
target_compile_definitions(print_models PRIVATE CORNU_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
target_link_libraries(print_models PRIVATE cornu)

set(printed ${CMAKE_CURRENT_BINARY_DIR}/printed_models.cc)
add_custom_command(OUTPUT ${printed} COMMAND print_models ${printed} DEPENDS print_models
                   COMMENT "Printing C++ for models" VERBATIM)
# Long, and run once.
set_source_files_properties(${printed} PROPERTIES COMPILE_OPTIONS -O0)
target_sources(test_codegen PRIVATE ${printed} codegen/models.cc)
