// wasi:filesystem. The tree is the one of p1/paths.c: /data to read and write, /fixed to read.
#include "p2.h"

typedef wasi_filesystem_types_borrow_descriptor_t at_t;
typedef wasi_filesystem_types_own_descriptor_t own_t;
typedef wasi_filesystem_types_error_code_t code_t;

#define BORROW wasi_filesystem_types_borrow_descriptor
#define CODE(name) WASI_FILESYSTEM_TYPES_ERROR_CODE_##name
#define OPEN(name) WASI_FILESYSTEM_TYPES_OPEN_FLAGS_##name
#define MAY(name) WASI_FILESYSTEM_TYPES_DESCRIPTOR_FLAGS_##name
#define FOLLOW WASI_FILESYSTEM_TYPES_PATH_FLAGS_SYMLINK_FOLLOW
#define NO_CODE 255

static at_t data, fixed;

// The error of a call that tells by a bool, or NO_CODE.
#define FAILS(call) ((code = NO_CODE), (call) ? NO_CODE : code)

static void preopened(void) {
  wasi_filesystem_preopens_list_tuple2_own_descriptor_string_t folders;
  wasi_filesystem_preopens_get_directories(&folders);
  if (!is("get-directories", folders.len, 2)) abort();
  check("get-directories: the first", same(folders.ptr[0].f1.ptr, folders.ptr[0].f1.len, "/data"));
  check("get-directories: the second",
        same(folders.ptr[1].f1.ptr, folders.ptr[1].f1.len, "/fixed"));
  data = BORROW(folders.ptr[0].f0);
  fixed = BORROW(folders.ptr[1].f0);
}

static void opening(void) {
  const struct {
    const char* name;
    at_t at;
    int lookup;
    const char* path;
    int open;
    int may;
    int error;
  } opens[] = {
      {"a file", data, 0, "file.txt", 0, MAY(READ), NO_CODE},
      {"a folder", data, 0, "folder", OPEN(DIRECTORY), MAY(READ), NO_CODE},
      {"a new file", data, 0, "new.txt", OPEN(CREATE), MAY(READ) | MAY(WRITE), NO_CODE},
      {"a new file, truncated", data, 0, "new.txt", OPEN(TRUNCATE), MAY(WRITE), NO_CODE},
      {"a link that is followed", data, FOLLOW, "link", 0, MAY(READ), NO_CODE},
      {"a link that is not", data, 0, "link", 0, MAY(READ), CODE(LOOP)},
      {"it is there already", data, 0, "file.txt", OPEN(CREATE) | OPEN(EXCLUSIVE), MAY(WRITE),
       CODE(EXIST)},
      {"no such file", data, 0, "missing", 0, MAY(READ), CODE(NO_ENTRY)},
      {"a file is no folder", data, 0, "file.txt", OPEN(DIRECTORY), MAY(READ), CODE(NOT_DIRECTORY)},
      {"above the folder", data, 0, "../secret.txt", 0, MAY(READ), CODE(NOT_PERMITTED)},
      {"from the root", data, 0, "/file.txt", 0, MAY(READ), CODE(NOT_PERMITTED)},
      {"above it by a link", data, FOLLOW, "way-out", 0, MAY(READ), CODE(NOT_PERMITTED)},
      {"for reading where that is granted", fixed, 0, "file.txt", 0, MAY(READ), NO_CODE},
      {"for writing where it is not", fixed, 0, "file.txt", 0, MAY(WRITE), CODE(NOT_PERMITTED)},
  };
  for (size_t i = 0; i < sizeof opens / sizeof *opens; i++) {
    own_t file;
    code_t code = NO_CODE;
    checks_string_t path = text(opens[i].path);
    is(opens[i].name,
       FAILS(FILE_(open_at)(opens[i].at, opens[i].lookup, &path, opens[i].open, opens[i].may, &file,
                            &code)),
       opens[i].error);
    if (opens[i].error == NO_CODE) wasi_filesystem_types_descriptor_drop_own(file);
  }
}

static own_t open_new(const char* name) {
  own_t file = {0};
  code_t code;
  checks_string_t path = text(name);
  check("a file to play with",
        FILE_(open_at)(data, 0, &path, OPEN(CREATE), MAY(READ) | MAY(WRITE), &file, &code));
  return file;
}

static void contents(own_t own) {
  const at_t file = BORROW(own);
  code_t code;
  stream_error_t error;
  uint64_t written = 0;
  checks_tuple2_list_u8_bool_t got;
  checks_list_u8_t word = bytes("0123456789");
  check("write", FILE_(write)(file, &word, 0, &written, &code) && written == 10);
  check("read", FILE_(read)(file, 4, 2, &got, &code) && same(got.f0.ptr, got.f0.len, "2345"));
  check("read: behind the end",
        FILE_(read)(file, 4, 100, &got, &code) && got.f0.len == 0 && got.f1);
  input_t in;
  output_t out;
  checks_list_u8_t list;
  check("read-via-stream", FILE_(read_via_stream)(file, 8, &in, &code));
  check("read-via-stream: from there", INPUT(blocking_read)(BORROW_INPUT(in), 10, &list, &error) &&
                                           same(list.ptr, list.len, "89"));
  wasi_io_streams_input_stream_drop_own(in);
  check("write-via-stream", FILE_(write_via_stream)(file, 0, &out, &code));
  word = bytes("abc");
  check("write-via-stream: there",
        OUTPUT(blocking_write_and_flush)(BORROW_OUTPUT(out), &word, &error));
  wasi_io_streams_output_stream_drop_own(out);
  check("append-via-stream", FILE_(append_via_stream)(file, &out, &code));
  check("append-via-stream: at the end",
        OUTPUT(blocking_write_and_flush)(BORROW_OUTPUT(out), &word, &error));
  wasi_io_streams_output_stream_drop_own(out);
  check("all of it",
        FILE_(read)(file, 100, 0, &got, &code) && same(got.f0.ptr, got.f0.len, "abc3456789abc"));
  check("set-size", FILE_(set_size)(file, 5, &code));
  check("advise", FILE_(advise)(file, 0, 5, WASI_FILESYSTEM_TYPES_ADVICE_WILL_NEED, &code));
  check("sync-data", FILE_(sync_data)(file, &code));
  check("sync", FILE_(sync)(file, &code));
  is("set-size: a folder", FAILS(FILE_(set_size)(data, 5, &code)), CODE(BAD_DESCRIPTOR));
  is("read: a folder", FAILS(FILE_(read)(data, 5, 0, &got, &code)), CODE(BAD_DESCRIPTOR));
}

static void attributes(own_t own) {
  const at_t file = BORROW(own);
  code_t code;
  wasi_filesystem_types_descriptor_stat_t stat;
  wasi_filesystem_types_descriptor_flags_t flags = 0;
  wasi_filesystem_types_descriptor_type_t type = 0;
  check("stat", FILE_(stat)(file, &stat, &code) && stat.size == 5 && stat.link_count == 1);
  is("stat: a file", stat.type, WASI_FILESYSTEM_TYPES_DESCRIPTOR_TYPE_REGULAR_FILE);
  check("get-flags", FILE_(get_flags)(file, &flags, &code) && flags == (MAY(READ) | MAY(WRITE)));
  check("get-type", FILE_(get_type)(data, &type, &code) &&
                        type == WASI_FILESYSTEM_TYPES_DESCRIPTOR_TYPE_DIRECTORY);
  wasi_filesystem_types_new_timestamp_t keep = {.tag =
                                                    WASI_FILESYSTEM_TYPES_NEW_TIMESTAMP_NO_CHANGE};
  wasi_filesystem_types_new_timestamp_t then = {
      .tag = WASI_FILESYSTEM_TYPES_NEW_TIMESTAMP_TIMESTAMP, .val.timestamp = {5, 6}};
  checks_string_t path = text("play.txt"), link = text("link"), missing = text("missing");
  check("set-times", FILE_(set_times)(file, &then, &then, &code));
  check("stat-at", FILE_(stat_at)(data, 0, &path, &stat, &code) &&
                       stat.data_modification_timestamp.val.seconds == 5 &&
                       stat.data_modification_timestamp.val.nanoseconds == 6);
  then.val.timestamp.seconds = 9;
  check("set-times-at", FILE_(set_times_at)(data, 0, &path, &keep, &then, &code) &&
                            FILE_(stat)(file, &stat, &code));
  check("set-times-at: one of them", stat.data_access_timestamp.val.seconds == 5 &&
                                         stat.data_modification_timestamp.val.seconds == 9);
  check("stat-at: the link", FILE_(stat_at)(data, 0, &link, &stat, &code) &&
                                 stat.type == WASI_FILESYSTEM_TYPES_DESCRIPTOR_TYPE_SYMBOLIC_LINK);
  is("stat-at: nothing", FAILS(FILE_(stat_at)(data, 0, &missing, &stat, &code)), CODE(NO_ENTRY));
  wasi_filesystem_types_metadata_hash_value_t one, two;
  check("metadata-hash", FILE_(metadata_hash)(file, &one, &code));
  check("metadata-hash-at: the same", FILE_(metadata_hash_at)(data, 0, &path, &two, &code) &&
                                          one.lower == two.lower && one.upper == two.upper);
  check("is-same-object", FILE_(is_same_object)(file, file) && !FILE_(is_same_object)(file, data));
}

static void tree(void) {
  code_t code;
  checks_string_t made = text("made"), inner = text("made/inner"), file = text("file.txt"),
                  hard = text("hard"), soft = text("soft"), moved = text("folder/moved"),
                  root = text("/etc/passwd"), got;
  check("create-directory-at", FILE_(create_directory_at)(data, &made, &code));
  is("create-directory-at: again", FAILS(FILE_(create_directory_at)(data, &made, &code)),
     CODE(EXIST));
  is("create-directory-at: not there", FAILS(FILE_(create_directory_at)(fixed, &made, &code)),
     CODE(NOT_PERMITTED));
  check("create-directory-at: deep", FILE_(create_directory_at)(data, &inner, &code));
  is("remove-directory-at: full", FAILS(FILE_(remove_directory_at)(data, &made, &code)),
     CODE(NOT_EMPTY));
  check("remove-directory-at", FILE_(remove_directory_at)(data, &inner, &code) &&
                                   FILE_(remove_directory_at)(data, &made, &code));
  check("link-at", FILE_(link_at)(data, 0, &file, data, &hard, &code));
  is("link-at: it is there", FAILS(FILE_(link_at)(data, 0, &file, data, &hard, &code)),
     CODE(EXIST));
  check("symlink-at", FILE_(symlink_at)(data, &file, &soft, &code));
  is("symlink-at: to the root", FAILS(FILE_(symlink_at)(data, &root, &made, &code)),
     CODE(NOT_PERMITTED));
  check("readlink-at",
        FILE_(readlink_at)(data, &soft, &got, &code) && same(got.ptr, got.len, "file.txt"));
  is("readlink-at: a file", FAILS(FILE_(readlink_at)(data, &file, &got, &code)), CODE(INVALID));
  check("rename-at", FILE_(rename_at)(data, &hard, data, &moved, &code));
  is("rename-at: gone", FAILS(FILE_(rename_at)(data, &hard, data, &moved, &code)), CODE(NO_ENTRY));
  check("unlink-file-at",
        FILE_(unlink_file_at)(data, &moved, &code) && FILE_(unlink_file_at)(data, &soft, &code));
  is("unlink-file-at: not there", FAILS(FILE_(unlink_file_at)(fixed, &file, &code)),
     CODE(NOT_PERMITTED));
}

static void listing(void) {
  wasi_filesystem_types_own_directory_entry_stream_t entries;
  wasi_filesystem_types_option_directory_entry_t entry;
  code_t code = NO_CODE;
  int files = 0;
  check("read-directory", FILE_(read_directory)(fixed, &entries, &code));
  const wasi_filesystem_types_borrow_directory_entry_stream_t stream =
      wasi_filesystem_types_borrow_directory_entry_stream(entries);
  while (wasi_filesystem_types_method_directory_entry_stream_read_directory_entry(stream, &entry,
                                                                                  &code) &&
         entry.is_some) {
    files++;
    check("read-directory-entry", same(entry.val.name.ptr, entry.val.name.len, "file.txt"));
  }
  is("read-directory-entry: without an error", code, NO_CODE);
  is("read-directory: one file, and no dots", files, 1);
  wasi_filesystem_types_directory_entry_stream_drop_own(entries);
}

int program(void) {
  preopened();
  opening();
  const own_t file = open_new("play.txt");
  contents(file);
  attributes(file);
  tree();
  listing();
  return done();
}
