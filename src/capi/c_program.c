// The example of quern.h as a C compiler takes it: asks a model and keeps what it says.
#include "capi/quern.h"

#include <string.h>

int c_program(const char* options, char* said, size_t capacity);

int c_program(const char* options, char* said, size_t capacity) {
  const char* request = "{\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"}]}";
  quern_engine engine = 0;
  quern_model model = 0;
  quern_answer answer = 0;
  quern_event event = {0};
  quern_status status = quern_engine_open(options, &engine, NULL);
  if (status == QUERN_OK) status = quern_model_load(engine, "fake", NULL, NULL, &model, NULL);
  if (status == QUERN_OK) status = quern_chat(model, request, strlen(request), &answer, NULL);
  while (status == QUERN_OK && event.kind != QUERN_FINISHED) {
    status = quern_answer_next(answer, &event, NULL);
    if (event.kind == QUERN_NOTHING) status = quern_wait(answer, -1, NULL);
    if (event.kind != QUERN_CONTENT) continue;
    const size_t used = strlen(said);
    if (used + event.text_size + 1 > capacity) return -1;
    memcpy(said + used, event.text, event.text_size);
    said[used + event.text_size] = '\0';
  }
  quern_close(engine);
  return status;
}
