using Microsoft.Extensions.Options;
using Streaming.Configuration;

namespace Streaming.Pipelines.Upload;

/// <summary>Refuses a start with options that no upload could be taken with.</summary>
public sealed class UploadOptionsValidation : IValidateOptions<UploadOptions>
{
    // Twenty uploads of so much at once are what a process of 8 GiB can hold.
    const int BytesCeiling = 100 * 1024 * 1024;

    public ValidateOptionsResult Validate(string? name, UploadOptions options) => options switch
    {
        { BytesMax: < 1024 or > BytesCeiling } => ValidateOptionsResult.Fail($"Uploads:BytesMax must be 1024 to {BytesCeiling}."),
        { Concurrency: < 1 } or { ReceivedAtOnceMax: < 1 } => ValidateOptionsResult.Fail("Uploads:Concurrency and Uploads:ReceivedAtOnceMax must be 1 or more."),
        _ => ValidateOptionsResult.Success,
    };
}
