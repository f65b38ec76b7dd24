//! The calls of [`ServiceClient`], one for each operation of the REST API.

use super::options::target;
use crate::service::{
    Authorization, CloseOptions, ListOptions, Message, Operation, Page, Parameter, Permission, Request, SendOptions,
    ServiceClient, ServiceError, Transport, groups_body,
};

impl<T: Transport, A: Authorization> ServiceClient<T, A> {
    /// Sends to every connection of the hub.
    ///
    /// # Errors
    /// [`ServiceError`], as of every method below.
    pub async fn send_to_all(&self, message: Message<'_>, options: &SendOptions<'_>) -> Result<(), ServiceError> {
        self.send(Operation::SendToAll, &[], message, options).await
    }

    /// Sends to every connection in a group. A group that has none is no error.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn send_to_group(
        &self,
        group: &str,
        message: Message<'_>,
        options: &SendOptions<'_>,
    ) -> Result<(), ServiceError> {
        self.send(Operation::SendToGroup, &[group], message, options).await
    }

    /// Sends to every connection of a user. A user that has none is no error.
    ///
    /// # Errors
    /// [`ServiceError`]; [`Error::Parameter`](crate::Error::Parameter) for excluded connections, which the service does not take here.
    pub async fn send_to_user(
        &self,
        user_id: &str,
        message: Message<'_>,
        options: &SendOptions<'_>,
    ) -> Result<(), ServiceError> {
        self.send(Operation::SendToUser, &[user_id], message, options).await
    }

    /// Sends to one connection. One that does not exist is no error.
    ///
    /// # Errors
    /// [`ServiceError`]; [`Error::Parameter`](crate::Error::Parameter) for excluded connections or a filter.
    pub async fn send_to_connection(
        &self,
        connection_id: &str,
        message: Message<'_>,
        options: &SendOptions<'_>,
    ) -> Result<(), ServiceError> {
        self.send(Operation::SendToConnection, &[connection_id], message, options).await
    }

    /// Whether a connection exists.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn connection_exists(&self, connection_id: &str) -> Result<bool, ServiceError> {
        self.ask(Operation::ConnectionExists, &[connection_id], &[]).await
    }

    /// Whether a group has a connection.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn group_exists(&self, group: &str) -> Result<bool, ServiceError> {
        self.ask(Operation::GroupExists, &[group], &[]).await
    }

    /// Whether a user has a connection.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn user_exists(&self, user_id: &str) -> Result<bool, ServiceError> {
        self.ask(Operation::UserExists, &[user_id], &[]).await
    }

    /// Whether a connection holds a permission for a group, or for every group.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn has_permission(
        &self,
        connection_id: &str,
        permission: Permission,
        group: Option<&str>,
    ) -> Result<bool, ServiceError> {
        self.ask(Operation::CheckPermission, &[permission.name(), connection_id], &target(group)).await
    }

    /// Gives a connection a permission for a group, or for every group.
    ///
    /// # Errors
    /// [`ServiceError`]; a [`RestError`](crate::service::RestError) with status 404 when the connection does not exist.
    pub async fn grant_permission(
        &self,
        connection_id: &str,
        permission: Permission,
        group: Option<&str>,
    ) -> Result<(), ServiceError> {
        self.execute(Operation::GrantPermission, &[permission.name(), connection_id], &target(group)).await
    }

    /// Takes a permission for a group from a connection.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn revoke_permission(
        &self,
        connection_id: &str,
        permission: Permission,
        group: Option<&str>,
    ) -> Result<(), ServiceError> {
        self.execute(Operation::RevokePermission, &[permission.name(), connection_id], &target(group)).await
    }

    /// Closes a connection. One that does not exist is no error.
    ///
    /// # Errors
    /// [`ServiceError`]; [`Error::Parameter`](crate::Error::Parameter) for excluded connections.
    pub async fn close_connection(&self, connection_id: &str, options: &CloseOptions<'_>) -> Result<(), ServiceError> {
        self.execute(Operation::CloseConnection, &[connection_id], &options.query()).await
    }

    /// Closes every connection of the hub.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn close_all_connections(&self, options: &CloseOptions<'_>) -> Result<(), ServiceError> {
        self.execute(Operation::CloseAllConnections, &[], &options.query()).await
    }

    /// Closes every connection in a group.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn close_group_connections(&self, group: &str, options: &CloseOptions<'_>) -> Result<(), ServiceError> {
        self.execute(Operation::CloseGroupConnections, &[group], &options.query()).await
    }

    /// Closes every connection of a user.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn close_user_connections(&self, user_id: &str, options: &CloseOptions<'_>) -> Result<(), ServiceError> {
        self.execute(Operation::CloseUserConnections, &[user_id], &options.query()).await
    }

    /// Adds a connection to a group.
    ///
    /// # Errors
    /// [`ServiceError`]; a [`RestError`](crate::service::RestError) with status 404 when the connection does not exist.
    pub async fn add_connection_to_group(&self, group: &str, connection_id: &str) -> Result<(), ServiceError> {
        self.execute(Operation::AddConnectionToGroup, &[group, connection_id], &[]).await
    }

    /// Removes a connection from a group.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn remove_connection_from_group(&self, group: &str, connection_id: &str) -> Result<(), ServiceError> {
        self.execute(Operation::RemoveConnectionFromGroup, &[group, connection_id], &[]).await
    }

    /// Removes a connection from every group.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn remove_connection_from_all_groups(&self, connection_id: &str) -> Result<(), ServiceError> {
        self.execute(Operation::RemoveConnectionFromAllGroups, &[connection_id], &[]).await
    }

    /// Adds the connections that a user has now to a group.
    ///
    /// # Errors
    /// [`ServiceError`]; a [`RestError`](crate::service::RestError) with status 404 when the user has none.
    pub async fn add_user_to_group(&self, group: &str, user_id: &str) -> Result<(), ServiceError> {
        self.execute(Operation::AddUserToGroup, &[user_id, group], &[]).await
    }

    /// Removes the connections of a user from a group.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn remove_user_from_group(&self, group: &str, user_id: &str) -> Result<(), ServiceError> {
        self.execute(Operation::RemoveUserFromGroup, &[user_id, group], &[]).await
    }

    /// Removes the connections of a user from every group.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn remove_user_from_all_groups(&self, user_id: &str) -> Result<(), ServiceError> {
        self.execute(Operation::RemoveUserFromAllGroups, &[user_id], &[]).await
    }

    /// Adds every connection that a filter selects to groups. An empty filter selects all.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn add_connections_to_groups(&self, groups: &[&str], filter: &str) -> Result<(), ServiceError> {
        self.bulk(Operation::AddConnectionsToGroups, groups, filter).await
    }

    /// Removes every connection that a filter selects from groups. An empty filter selects all.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn remove_connections_from_groups(&self, groups: &[&str], filter: &str) -> Result<(), ServiceError> {
        self.bulk(Operation::RemoveConnectionsFromGroups, groups, filter).await
    }

    /// The first page of the connections in a group. A group that has none gives an empty page.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn list_connections(&self, group: &str, options: &ListOptions<'_>) -> Result<Page, ServiceError> {
        let max_page_size = options.max_page_size.unwrap_or_default().to_string();
        let top = options.top.unwrap_or_default().to_string();
        let query = options.query(&max_page_size, &top);
        let request = self.request(Operation::ListConnectionsInGroup, &[group], &query)?;
        self.page(&request).await
    }

    /// Gets the page after one that has a [`Page::next_link`]. `group` is the group of that page.
    ///
    /// ```
    /// # use webpubsub_edge::service::{GroupMember, ListOptions, ServiceClient, ServiceError, Transport};
    /// async fn everybody<T: Transport>(service: &ServiceClient<T>) -> Result<Vec<GroupMember>, ServiceError> {
    ///     let mut page = service.list_connections("news", &ListOptions::default()).await?;
    ///     let mut members = page.connections;
    ///     while let Some(link) = page.next_link {
    ///         page = service.next_page("news", &link).await?;
    ///         members.append(&mut page.connections);
    ///     }
    ///     Ok(members)
    /// }
    /// ```
    ///
    /// # Errors
    /// [`ServiceError`]; [`Error::ContinuationToken`](crate::Error::ContinuationToken) when the link is not one of this
    /// group, hub and endpoint.
    pub async fn next_page(&self, group: &str, next_link: &str) -> Result<Page, ServiceError> {
        let strict = self.settings.strict;
        self.page(&Request::next_page(&self.endpoint, &self.hub, group, next_link, strict)?).await
    }

    /// Whether the service is healthy: `Ok` when it is.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn service_status(&self) -> Result<(), ServiceError> {
        self.execute(Operation::GetServiceStatus, &[], &[]).await
    }

    async fn send(
        &self,
        operation: Operation,
        targets: &[&str],
        message: Message<'_>,
        options: &SendOptions<'_>,
    ) -> Result<(), ServiceError> {
        message.check()?;
        let ttl = options.message_ttl_seconds.unwrap_or_default().to_string();
        let request = self.request(operation, targets, &options.query(&ttl))?;
        self.run(&request, Some(message)).await.map(|_| ())
    }

    async fn ask(
        &self,
        operation: Operation,
        targets: &[&str],
        query: &[(Parameter, &str)],
    ) -> Result<bool, ServiceError> {
        Ok(self.run(&self.request(operation, targets, query)?, None).await?.is_some())
    }

    async fn execute(
        &self,
        operation: Operation,
        targets: &[&str],
        query: &[(Parameter, &str)],
    ) -> Result<(), ServiceError> {
        self.ask(operation, targets, query).await.map(|_| ())
    }

    async fn bulk(&self, operation: Operation, groups: &[&str], filter: &str) -> Result<(), ServiceError> {
        let body = groups_body(groups, filter, self.settings.strict)?;
        self.run(&self.request(operation, &[], &[])?, Some(Message::Json(&body))).await.map(|_| ())
    }

    async fn page(&self, request: &Request) -> Result<Page, ServiceError> {
        let body = self.run(request, None).await?.unwrap_or_default();
        Page::read(&body).ok_or(ServiceError::UnreadableAnswer)
    }

    pub(super) fn request(
        &self,
        operation: Operation,
        targets: &[&str],
        query: &[(Parameter, &str)],
    ) -> Result<Request, ServiceError> {
        Ok(Request::new(
            &self.endpoint,
            &self.hub,
            operation,
            targets.iter().copied(),
            query.iter().copied(),
            self.settings.strict,
        )?)
    }
}
