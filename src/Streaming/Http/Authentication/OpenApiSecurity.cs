using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.Extensions.Options;
using Microsoft.OpenApi;
using Streaming.Configuration;

namespace Streaming.Http.Authentication;

/// <summary>
/// Says in <c>/openapi/v1.json</c> who may ask, from the same metadata that <see cref="Authenticator"/> goes by. In mode
/// <c>none</c> nothing is needed, and nothing is said but that a stream takes a ticket.
/// </summary>
public static class OpenApiSecurity
{
    public const string Bearer = "Bearer";
    public const string Ticket = "Ticket";

    public static void Describe(OpenApiOptions openApi)
    {
        openApi.AddDocumentTransformer((document, context, _) =>
        {
            if (IsJwt(context.ApplicationServices))
                Describe(document);
            return Task.CompletedTask;
        });
        openApi.AddOperationTransformer((operation, context, _) =>
        {
            var metadata = context.Description.ActionDescriptor.EndpointMetadata;
            Describe(operation, context.Document!, metadata, IsJwt(context.ApplicationServices));
            return Task.CompletedTask;
        });
    }

    static bool IsJwt(IServiceProvider services) => services.GetRequiredService<IOptions<AuthOptions>>().Value.Mode == AuthOptions.Jwt;

    static void Describe(OpenApiDocument document)
    {
        document.Components ??= new OpenApiComponents();
        document.AddComponent<IOpenApiSecurityScheme>(Bearer, new OpenApiSecurityScheme
        {
            Type = SecuritySchemeType.Http,
            Scheme = "bearer",
            BearerFormat = "JWT",
            Description = "A signed token of the issuer that the service trusts; its sub is the user.",
        });
        document.AddComponent<IOpenApiSecurityScheme>(Ticket, new OpenApiSecurityScheme
        {
            Type = SecuritySchemeType.ApiKey,
            In = ParameterLocation.Query,
            Name = Tickets.Parameter,
            Description = "In place of a token, for an EventSource, which can send none: from POST /api/stream-tickets.",
        });
    }

    static void Describe(OpenApiOperation operation, OpenApiDocument document, IList<object> metadata, bool isJwt)
    {
        var takesTicket = metadata.OfType<TakesTicket>().Any();
        if (takesTicket)
            (operation.Parameters ??= []).Add(new OpenApiParameter
            {
                Name = Tickets.Parameter,
                In = ParameterLocation.Query,
                Schema = new OpenApiSchema { Type = JsonSchemaType.String },
                Description = "For this stream alone, to connect once and then resume; in place of a token.",
            });
        if (!isJwt || metadata.OfType<IAllowAnonymous>().Any())
            return;
        // Each requirement is one way in.
        operation.Security = [Requirement(Bearer)];
        if (takesTicket)
            operation.Security.Add(Requirement(Ticket));
        (operation.Responses ??= []).TryAdd("401", new OpenApiResponse { Description = "Nobody, or nobody that is known: see WWW-Authenticate." });

        OpenApiSecurityRequirement Requirement(string scheme) => new() { [new OpenApiSecuritySchemeReference(scheme, document)] = [] };
    }
}
